// A read-only memory. Its word comes 2 clocks after its address: the memory's own register, then
// one outside, for the way out of a block RAM takes most of a clock.
module rom #(
  parameter WIDTH = 1, DEPTH = 1,
  parameter CONTENTS = "",  // file of one hexadecimal word a line
  parameter BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  logic             clk,
  input  logic [BITS-1:0]  address,
  output logic [WIDTH-1:0] word
);
  logic [WIDTH-1:0] memory [0:DEPTH-1];
  logic [WIDTH-1:0] read;
  generate
    if (CONTENTS != "") begin : filled
      initial $readmemh(CONTENTS, memory);
    end
  endgenerate
  always_ff @(posedge clk) begin
    read <= memory[address];
    word <= read;
  end
endmodule
