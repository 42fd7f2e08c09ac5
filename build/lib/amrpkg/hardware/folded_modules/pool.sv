// The larger of an output and the one before it, if that belongs to the same pool: 1 clock.
module pool #(
  parameter BITS = 6
) (
  input  logic            clk,
  input  logic            take,      // an output is here
  input  logic            repeated,  // not the first of its pool
  input  logic [BITS-1:0] in,
  output logic [BITS-1:0] out
);
  always_ff @(posedge clk)
    if (take) out <= repeated & out > in ? out : in;
endmodule
