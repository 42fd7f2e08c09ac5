// The way of a layer through a chunk: for each position that goes on, for each group of outputs,
// for each of the POOL positions of which the largest goes on, every word of the window. A window
// is the TAPS positions around one, WORDS words each, which lie one behind the other in the
// buffer. It begins when a chunk waits and there is room for what comes of it, and then goes on
// without a stop for POSITIONS * GROUPS * TAPS * WORDS clocks.
module sequencer #(
  parameter POSITIONS = 2, POOL = 1, GROUPS = 1, TAPS = 1, WORDS = 1,
  parameter ADDRESS_BITS = 8,
  parameter WEIGHT_ADDRESS_BITS = 8,
  parameter GROUP_BITS = 1
) (
  input  logic                           clk, rst,
  input  logic                           available, space,
  output logic                           start,   // of a chunk: the clock before its first address
  output logic                           finish,  // with its last address
  output logic                           active,  // what follows holds
  output logic signed [ADDRESS_BITS-1:0] address,         // of the word in the chunk
  output logic [WEIGHT_ADDRESS_BITS-1:0] weight_address,  // of its weights
  output logic [GROUP_BITS-1:0]          group,           // of outputs
  output logic                           first, last,     // word of the window
  output logic                           repeated,        // not the first position of a pool
  output logic                           complete         // the last one, and its last word
);
  localparam signed [ADDRESS_BITS-1:0] FIRST = -(TAPS / 2 * WORDS);

  logic pool_first, pool_last, group_last, position_last;  // of the counters
  logic last_group, last_position;  // and of all before them
  assign complete = last & pool_last;
  assign last_group = complete & group_last;
  assign last_position = last_group & position_last;
  assign start = ~active & available & space;
  assign finish = active & last_position;
  assign repeated = ~pool_first;

  counter #(.COUNT(TAPS * WORDS)) of_words (
    .clk, .rst, .step(active), .count(), .first(first), .last(last));
  counter #(.COUNT(POOL)) of_pool (
    .clk, .rst, .step(active & last), .count(), .first(pool_first), .last(pool_last));
  counter #(.COUNT(GROUPS)) of_groups (
    .clk, .rst, .step(active & complete), .count(group), .first(), .last(group_last));
  counter #(.COUNT(POSITIONS / POOL)) of_positions (
    .clk, .rst, .step(active & last_group), .count(), .first(), .last(position_last));

  logic signed [ADDRESS_BITS-1:0] window;  // its first address at the pool's first position
  logic [WEIGHT_ADDRESS_BITS-1:0] weights;  // the first address of the group's
  always_ff @(posedge clk)
    if (rst) begin
      active <= 1'b0;
      address <= FIRST;
      window <= FIRST;
      weight_address <= '0;
      weights <= '0;
    end else begin
      active <= start | active & ~last_position;
      if (active) begin
        if (~last) begin
          address <= address + 1'b1;
          weight_address <= weight_address + 1'b1;
        end else if (~pool_last) begin  // the next position of the pool, with the same weights
          address <= window + ADDRESS_BITS'(WORDS);
          weight_address <= weights;
        end else if (~group_last) begin  // the same positions, for the next outputs
          address <= window;
          weight_address <= weight_address + 1'b1;
          weights <= weight_address + 1'b1;
        end else begin
          address <= position_last ? FIRST : window + ADDRESS_BITS'(POOL * WORDS);
          window <= position_last ? FIRST : window + ADDRESS_BITS'(POOL * WORDS);
          weight_address <= '0;
          weights <= '0;
        end
      end
    end
endmodule
