// What came CLOCKS clocks ago; zeros after a reset.
module delay #(
  parameter WIDTH = 1,
  parameter CLOCKS = 1  // at least 1
) (
  input  logic             clk, rst,
  input  logic [WIDTH-1:0] in,
  output logic [WIDTH-1:0] out
);
  logic [CLOCKS*WIDTH-1:0] line;  // the newest in the lowest bits
  assign out = line[CLOCKS*WIDTH-1 -: WIDTH];
  generate
    if (CLOCKS == 1) begin : one
      always_ff @(posedge clk) line <= rst ? '0 : in;
    end else begin : several
      always_ff @(posedge clk) line <= rst ? '0 : {line[(CLOCKS-1)*WIDTH-1:0], in};
    end
  endgenerate
endmodule
