// Symbols over AXI4-Stream, a chunk of SYMBOLS at a time, to the first layer's buffer. A chunk
// whose `last` comes too early is forgotten; so is one whose `last` comes too late, with all that
// goes on until it comes. What follows begins with the next word.
module chunk_input #(
  parameter WIDTH = 12,
  parameter SYMBOLS = 32
) (
  input  logic             clk, rst,
  input  logic             tvalid, tlast,
  output logic             tready,
  input  logic [WIDTH-1:0] tdata,
  input  logic             space,
  output logic             claim, restart, write,
  output logic [WIDTH-1:0] word
);
  logic taken, last_symbol, too_long;
  assign taken = tvalid & tready;
  assign claim = ~tready & space & ~rst;  // a bank is ours from the next clock on
  counter #(.COUNT(SYMBOLS)) of_symbols (
    .clk, .rst(rst | taken & tlast), .step(taken), .count(), .first(), .last(last_symbol));

  always_ff @(posedge clk) begin
    word <= tdata;
    if (rst) begin
      tready <= 1'b0;
      too_long <= 1'b0;
      write <= 1'b0;
      restart <= 1'b0;
    end else begin
      tready <= claim | tready & ~(taken & tlast & last_symbol & ~too_long);
      if (taken) too_long <= ~tlast & (too_long | last_symbol);
      write <= taken & ~too_long & (last_symbol == tlast);
      restart <= taken & tlast & (too_long | ~last_symbol);
    end
  end
endmodule
