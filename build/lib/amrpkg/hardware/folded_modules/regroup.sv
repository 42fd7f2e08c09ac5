// Words of IN values become words of OUT values, the earliest in the lowest bits; one number is a
// multiple of the other. To wider words: 1 clock after the last that belongs to one. To narrower
// ones: from the next clock on, one a clock; the words that come must leave time for that.
module regroup #(
  parameter IN = 1, OUT = 2,
  parameter BITS = 6  // of a value
) (
  input  logic                clk, rst,
  input  logic                write,
  input  logic [IN*BITS-1:0]  in,
  output logic                out_write,
  output logic [OUT*BITS-1:0] out
);
  logic last;
  generate
    if (OUT > IN) begin : wider
      counter #(.COUNT(OUT / IN)) of_words (
        .clk, .rst, .step(write), .count(), .first(), .last);
      always_ff @(posedge clk) begin
        if (write) out <= {in, out[OUT*BITS-1:IN*BITS]};
        out_write <= ~rst & write & last;
      end
    end else begin : narrower
      logic [IN*BITS-1:0] rest;
      counter #(.COUNT(IN / OUT)) of_words (
        .clk, .rst, .step(out_write), .count(), .first(), .last);
      assign out = rest[OUT*BITS-1:0];
      always_ff @(posedge clk) begin
        if (write) rest <= in;
        else rest <= rest >> (OUT * BITS);
        out_write <= ~rst & (write | out_write & ~last);
      end
    end
  endgenerate
endmodule
