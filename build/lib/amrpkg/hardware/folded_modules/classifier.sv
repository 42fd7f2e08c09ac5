// Nine scores, one after another, to the place of the first largest, and both over AXI4-Stream.
// One chunk waits to be fetched while the next one's scores come.
module classifier #(
  parameter BITS = 16,  // of a score
  parameter CLASSES = 9,
  parameter CLASS_BITS = 4
) (
  input  logic                    clk, rst,
  output logic                    space,
  input  logic                    claim,
  input  logic                    write,
  input  logic signed [BITS-1:0]  score,
  output logic                    tvalid,
  input  logic                    tready,
  output logic [CLASS_BITS-1:0]   tdata,
  output logic [CLASSES*BITS-1:0] tuser
);
  logic first, last;
  logic [CLASS_BITS-1:0] index;
  counter #(.COUNT(CLASSES), .BITS(CLASS_BITS)) of_scores (
    .clk, .rst, .step(write), .count(index), .first, .last);

  logic [1:0] taken;  // chunks claimed whose class is not fetched
  logic complete, fetched, move;
  assign space = ~taken[1];
  assign fetched = tvalid & tready;
  assign move = complete & (~tvalid | tready);

  logic [CLASSES*BITS-1:0] scores;
  logic signed [BITS-1:0] largest;
  logic [CLASS_BITS-1:0] place;
  always_ff @(posedge clk) begin
    if (write) begin
      scores <= {score, scores[CLASSES*BITS-1:BITS]};
      if (first | score > largest) begin
        largest <= score;
        place <= index;
      end
    end
    if (move) begin
      tdata <= place;
      tuser <= scores;
    end
    if (rst) begin
      taken <= '0;
      complete <= 1'b0;
      tvalid <= 1'b0;
    end else begin
      if (claim != fetched) taken <= claim ? taken + 1'b1 : taken - 1'b1;
      complete <= write & last | complete & ~move;
      tvalid <= move | tvalid & ~tready;
    end
  end
endmodule
