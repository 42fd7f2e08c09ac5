// SIMD products a clock, a tree of adders with a register behind each, and a sum over the words
// of a window that begins with the bias. The sum of a window's last word is there
// $clog2(SIMD) + 4 clocks after that word; `first`, `active` and `bias` belong to the word that
// came $clog2(SIMD) + 3 clocks ago. A product has two registers, one beside its multiplier and
// one beside its adder, for on a device these may lie far from each other.
module dot_product #(
  parameter SIMD = 1,
  parameter IN_BITS = 6, IN_SIGNED = 0,
  parameter WEIGHT_BITS = 6,
  parameter SUM_BITS = 16
) (
  input  logic                        clk,
  input  logic [SIMD*IN_BITS-1:0]     in,
  input  logic [SIMD*WEIGHT_BITS-1:0] weights,
  input  logic                        first, active,
  input  logic signed [SUM_BITS-1:0]  bias,
  output logic signed [SUM_BITS-1:0]  sum
);
  localparam LEVELS = $clog2(SIMD), LEAVES = 2 ** LEVELS;
  localparam BITS = IN_BITS + 1 + WEIGHT_BITS + LEVELS;

  // A tree: node n adds nodes 2n and 2n + 1; the products are nodes LEAVES to LEAVES + SIMD - 1.
  logic signed [BITS-1:0] node [1:2*LEAVES-1];
  generate
    for (genvar i = 0; i < LEAVES; i++) begin : product
      if (i < SIMD) begin : used
        logic signed [IN_BITS:0] value;
        logic signed [WEIGHT_BITS-1:0] weight;
        logic signed [IN_BITS+WEIGHT_BITS:0] beside;
        always_ff @(posedge clk) begin
          value <= {IN_SIGNED != 0 & in[(i+1)*IN_BITS-1], in[i*IN_BITS +: IN_BITS]};
          weight <= weights[i*WEIGHT_BITS +: WEIGHT_BITS];
          beside <= value * weight;
          node[LEAVES+i] <= BITS'(beside);
        end
      end else begin : unused
        assign node[LEAVES+i] = '0;
      end
    end
    for (genvar n = 1; n < LEAVES; n++) begin : adder
      always_ff @(posedge clk) node[n] <= node[2*n] + node[2*n+1];
    end
  endgenerate

  always_ff @(posedge clk)
    if (active) sum <= (first ? bias : sum) + SUM_BITS'(node[1]);
endmodule
