// A convolution with its pool, or a fully connected layer, which is one of a single position and
// tap: PE outputs and SIMD inputs a clock. The words that come are buffered for a whole chunk.
module layer #(
  parameter PE = 1, SIMD = 1,
  parameter GROUPS = 1,         // of PE outputs
  parameter POSITIONS = 2, TAPS = 3,
  parameter WORDS = 1,          // of SIMD inputs at a position
  parameter POOL = 1,           // positions of which the largest goes on
  parameter IN_BITS = 6, IN_SIGNED = 0,
  parameter WEIGHT_BITS = 6, SUM_BITS = 16,
  parameter SHIFT = 3, OUT_BITS = 6, CLAMP = 1,
  parameter WEIGHTS = "", BIASES = ""
) (
  input  logic                    clk, rst,
  output logic                    in_space,
  input  logic                    in_claim, in_restart, in_write,
  input  logic [SIMD*IN_BITS-1:0] in,
  input  logic                    out_space,
  output logic                    out_claim, out_write,
  output logic [PE*OUT_BITS-1:0]  out
);
  localparam DEPTH = GROUPS * TAPS * WORDS;
  localparam ADDRESS_BITS = $clog2(POSITIONS * WORDS + TAPS * WORDS) + 1;
  localparam WEIGHT_ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam LEVELS = $clog2(SIMD);

  logic available, start, finish, active, first, last, repeated, complete;
  logic signed [ADDRESS_BITS-1:0] address;
  logic [WEIGHT_ADDRESS_BITS-1:0] weight_address;
  logic [GROUP_BITS-1:0] group;
  sequencer #(
    .POSITIONS(POSITIONS), .POOL(POOL), .GROUPS(GROUPS), .TAPS(TAPS), .WORDS(WORDS),
    .ADDRESS_BITS(ADDRESS_BITS), .WEIGHT_ADDRESS_BITS(WEIGHT_ADDRESS_BITS),
    .GROUP_BITS(GROUP_BITS)
  ) order (
    .clk, .rst, .available, .space(out_space), .start, .finish, .active, .address,
    .weight_address, .group, .first, .last, .repeated, .complete);
  assign out_claim = start;

  // Clocks after an address: 2 for the word and its weights, 3 for the products, LEVELS for
  // their sum, 1 for that over the window, 2 to requantise, 1 for the pool. What the lanes are
  // told they put into a register first.
  logic [SIMD*IN_BITS-1:0] word;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights;
  chunk_buffer #(
    .WIDTH(SIMD * IN_BITS), .WORDS(POSITIONS * WORDS), .ADDRESS_BITS(ADDRESS_BITS)
  ) inputs (
    .clk, .rst, .space(in_space), .claim(in_claim), .restart(in_restart), .write(in_write), .in,
    .available, .start, .finish, .address, .word);
  rom #(.WIDTH(PE * SIMD * WEIGHT_BITS), .DEPTH(DEPTH), .CONTENTS(WEIGHTS)) of_weights (
    .clk, .address(weight_address), .word(weights));

  logic [GROUP_BITS-1:0] group_added;
  logic [PE*SUM_BITS-1:0] biases;
  delay #(.WIDTH(GROUP_BITS), .CLOCKS(LEVELS + 3)) for_bias (
    .clk, .rst, .in(group), .out(group_added));
  rom #(.WIDTH(PE * SUM_BITS), .DEPTH(GROUPS), .CONTENTS(BIASES)) of_biases (
    .clk, .address(group_added), .word(biases));

  logic first_added, active_added, take, repeated_taken, complete_taken;
  delay #(.WIDTH(2), .CLOCKS(LEVELS + 4)) for_sum (
    .clk, .rst, .in({first, active}), .out({first_added, active_added}));
  delay #(.WIDTH(3), .CLOCKS(LEVELS + 7)) for_pool (
    .clk, .rst, .in({active & last, repeated, active & complete}),
    .out({take, repeated_taken, complete_taken}));
  delay #(.WIDTH(1), .CLOCKS(2)) for_write (.clk, .rst, .in(complete_taken), .out(out_write));

  generate
    for (genvar o = 0; o < PE; o++) begin : lanes
      lane #(
        .SIMD(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .WEIGHT_BITS(WEIGHT_BITS),
        .SUM_BITS(SUM_BITS), .SHIFT(SHIFT), .OUT_BITS(OUT_BITS), .CLAMP(CLAMP)
      ) one (
        .clk, .in(word), .weights(weights[o*SIMD*WEIGHT_BITS +: SIMD*WEIGHT_BITS]),
        .first(first_added), .active(active_added), .bias(biases[o*SUM_BITS +: SUM_BITS]),
        .take, .repeated(repeated_taken), .out(out[o*OUT_BITS +: OUT_BITS]));
    end
  endgenerate
endmodule
