// One of a layer's PE outputs: products and their sum, requantised, the larger of a pool.
// It has registers of its own for all that comes to every lane, and stays apart in synthesis,
// which would else make one of them: its wires would reach over the whole device.
(* keep_hierarchy *)
module lane #(
  parameter SIMD = 1,
  parameter IN_BITS = 6, IN_SIGNED = 0,
  parameter WEIGHT_BITS = 6, SUM_BITS = 16,
  parameter SHIFT = 3, OUT_BITS = 6, CLAMP = 1
) (
  input  logic                        clk,
  input  logic [SIMD*IN_BITS-1:0]     in,
  input  logic [SIMD*WEIGHT_BITS-1:0] weights,
  input  logic                        first, active,   // of the word $clog2(SIMD) + 2 clocks ago
  input  logic signed [SUM_BITS-1:0]  bias,            // of that $clog2(SIMD) + 3 clocks ago
  input  logic                        take, repeated,  // of that $clog2(SIMD) + 5 clocks ago
  output logic [OUT_BITS-1:0]         out              // of that $clog2(SIMD) + 7 clocks ago
);
  logic first_here, active_here, take_here, repeated_here;
  always_ff @(posedge clk)
    {first_here, active_here, take_here, repeated_here} <= {first, active, take, repeated};

  logic signed [SUM_BITS-1:0] sum;
  logic [OUT_BITS-1:0] value;
  dot_product #(
    .SIMD(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .WEIGHT_BITS(WEIGHT_BITS),
    .SUM_BITS(SUM_BITS)
  ) products (.clk, .in, .weights, .first(first_here), .active(active_here), .bias, .sum);
  requantise #(.SUM_BITS(SUM_BITS), .SHIFT(SHIFT), .OUT_BITS(OUT_BITS), .CLAMP(CLAMP)) to_output (
    .clk, .sum, .out(value));
  pool #(.BITS(OUT_BITS)) larger (
    .clk, .take(take_here), .repeated(repeated_here), .in(value), .out);
endmodule
