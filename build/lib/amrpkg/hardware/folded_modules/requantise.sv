// A sum to an output, in 2 clocks: shifted right by SHIFT, rounded half to even, then clamped to
// 0 ... 2**OUT_BITS - 1, which is the ReLU and the bit width in one. The half is already in the
// sum, through its bias: what is left of rounding is to clear the lowest bit at a tie.
// The scores (CLAMP = 0) are not clamped.
module requantise #(
  parameter SUM_BITS = 16,
  parameter SHIFT = 3,  // negative: to the left
  parameter OUT_BITS = 6,
  parameter CLAMP = 1
) (
  input  logic                       clk,
  input  logic signed [SUM_BITS-1:0] sum,
  output logic [OUT_BITS-1:0]        out
);
  localparam LEFT = SHIFT < 0 ? -SHIFT : 0, RIGHT = SHIFT > 0 ? SHIFT : 0;
  localparam NEEDED = OUT_BITS + RIGHT + 1;
  localparam BITS = SUM_BITS + LEFT > NEEDED ? SUM_BITS + LEFT : NEEDED;
  localparam [BITS-1:0] REST = (BITS'(1) << RIGHT) - BITS'(1);

  logic signed [BITS-1:0] wide, whole;
  logic tie;
  assign wide = BITS'(sum) <<< LEFT;
  assign whole = wide >>> RIGHT;
  assign tie = RIGHT > 0 & (wide & $signed(REST)) == '0;

  logic [OUT_BITS-1:0] rounded;
  logic negative, above;
  always_ff @(posedge clk) begin
    rounded <= {whole[OUT_BITS-1:1], whole[0] & ~tie};
    negative <= whole[BITS-1];
    above <= |whole[BITS-1:OUT_BITS];
    if (CLAMP == 0) out <= rounded;
    else out <= negative ? '0 : above ? '1 : rounded;
  end
endmodule
