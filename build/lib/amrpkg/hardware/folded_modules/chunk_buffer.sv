// Between two layers: one writes a chunk word after word, the next reads an earlier one in any
// order. It has BANKS banks of a chunk. The writer claims one before it begins a chunk, so it
// never has to wait in the middle; the reader gives the oldest back with `finish`.
// The word of an address comes 2 clocks later; of one before or behind the chunk it is 0, which
// is the padding of a convolution.
module chunk_buffer #(
  parameter WIDTH = 1,   // bits of a word
  parameter WORDS = 2,   // of a chunk
  parameter BANKS = 4,   // a power of two
  parameter ADDRESS_BITS = $clog2(WORDS) + 2  // signed, with room for the padding
) (
  input  logic                           clk, rst,
  // the writer
  output logic                           space,    // a bank is free
  input  logic                           claim,    // takes it
  input  logic                           restart,  // forgets what was written of this chunk
  input  logic                           write,
  input  logic [WIDTH-1:0]               in,
  // the reader
  output logic                           available,  // a chunk waits
  input  logic                           start,      // begins to read it
  input  logic                           finish,     // with its last address
  input  logic signed [ADDRESS_BITS-1:0] address,
  output logic [WIDTH-1:0]               word
);
  localparam BANK_BITS = $clog2(BANKS), BITS = WORDS > 1 ? $clog2(WORDS) : 1;

  logic [BITS-1:0]      place;
  logic [BANK_BITS-1:0] write_bank, read_bank;
  logic [BANK_BITS:0]   taken, waiting;  // banks claimed, not given back; written, not begun
  logic                 filled;
  assign filled = write & place == BITS'(WORDS - 1);
  assign space = taken != (BANK_BITS + 1)'(BANKS);
  assign available = waiting != '0;

  always_ff @(posedge clk)
    if (rst) begin
      place <= '0;
      write_bank <= '0;
      read_bank <= '0;
      taken <= '0;
      waiting <= '0;
    end else begin
      if (restart | filled) place <= '0;
      else if (write) place <= place + 1'b1;
      if (filled) write_bank <= write_bank + 1'b1;
      if (finish) read_bank <= read_bank + 1'b1;
      if (claim != finish) taken <= claim ? taken + 1'b1 : taken - 1'b1;
      if (filled != start) waiting <= filled ? waiting + 1'b1 : waiting - 1'b1;
    end

  // One bank is never written and read at once, so no logic has to look for that.
  (* no_rw_check *) logic [WIDTH-1:0] memory [0:BANKS*2**BITS-1];
  logic [WIDTH-1:0] read;
  logic             padding;
  always_ff @(posedge clk) begin
    if (write) memory[{write_bank, place}] <= in;
    read <= memory[{read_bank, address[BITS-1:0]}];
    padding <= address < 0 | address >= $signed(ADDRESS_BITS'(WORDS));
    word <= padding ? '0 : read;
  end
endmodule
