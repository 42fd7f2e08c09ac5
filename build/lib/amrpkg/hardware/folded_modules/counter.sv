// Counts from 0 to COUNT - 1, one on in each clock in which `step` is high, then begins again.
// `first` and `last` are registers, so that several counters can be chained in one clock.
module counter #(
  parameter COUNT = 2,
  parameter BITS = COUNT > 1 ? $clog2(COUNT) : 1
) (
  input  logic            clk, rst,
  input  logic            step,
  output logic [BITS-1:0] count,
  output logic            first, last
);
  generate
    if (COUNT == 1) begin : one
      assign count = '0;
      assign first = 1'b1;
      assign last = 1'b1;
    end else begin : several
      always_ff @(posedge clk)
        if (rst) begin
          count <= '0;
          first <= 1'b1;
          last  <= 1'b0;
        end else if (step) begin
          count <= last ? '0 : count + 1'b1;
          first <= last;
          last  <= count == BITS'(COUNT - 2);
        end
    end
  endgenerate
endmodule
