"""The outermost module of a streaming design: pins, the way through, and who may go on when."""

from collections.abc import Sequence
from dataclasses import dataclass

from amrpkg.hardware.design import CLASS_BITS
from amrpkg.hardware.integers import IntegerNetwork
from amrpkg.models.architectures import CLASSES


@dataclass(frozen=True)
class Stage:
    """A fully connected layer in its place.

    width : of its inputs, side by side
    busy : clocks from its start until the next chunk may be sent on its way to it
    """

    name: str
    width: int
    busy: int


QUEUE = """\
module queue #(  // classes with their scores, in the order in which they came
  parameter int SCORES = 1,  // bits of all scores
  parameter int CLASS = 4,
  parameter int PLACES = 16  // a power of two
) (
  input  logic clk, rst,
  input  logic put_scores,
  input  logic [SCORES-1:0] scores,
  input  logic put_class,  // after its scores
  input  logic [CLASS-1:0] winner,
  output logic [CLASS-1:0] m_axis_tdata,
  output logic [SCORES-1:0] m_axis_tuser,
  output logic m_axis_tvalid,
  input  logic m_axis_tready
);
  logic [SCORES-1:0] all_scores [PLACES];
  logic [CLASS-1:0] classes [PLACES];
  logic [$clog2(PLACES)-1:0] scored, classed, taken;
  wire move = classed != taken & (~m_axis_tvalid | m_axis_tready);
  always_ff @(posedge clk) begin
    if (put_scores) all_scores[scored] <= scores;
    if (put_class) classes[classed] <= winner;
    scored <= rst ? '0 : scored + put_scores;
    classed <= rst ? '0 : classed + put_class;
    taken <= rst ? '0 : taken + move;
    if (move) begin
      m_axis_tdata <= classes[taken];
      m_axis_tuser <= all_scores[taken];
    end
    m_axis_tvalid <= ~rst & (move | (m_axis_tvalid & ~m_axis_tready));
  end
endmodule
"""


def top_module(
    name: str,
    network: IntegerNetwork,
    symbols: int,
    layers: Sequence[tuple[str, int, int]],
    sum_time: int,
    stages: Sequence[Stage],
    queue: int,
    score_bits: int,
    digit: int,
) -> str:
    """Its text; arguments as of `streaming`."""
    symbol_bits = network.inputs * network.input_bits
    return f"""\
// {network.name}: {symbols} symbol{"s" * (symbols > 1)} of {symbol_bits} bits a clock, \
{network.chunk_size} a chunk
module {name} (
  input  logic clk, rst,
  input  logic [{symbols * symbol_bits - 1}:0] s_axis_tdata,
  input  logic s_axis_tvalid, s_axis_tlast,
  output logic s_axis_tready,
  output logic [{CLASS_BITS - 1}:0] m_axis_tdata,  // the class
  output logic [{CLASSES * score_bits - 1}:0] m_axis_tuser,  // the scores
  output logic m_axis_tvalid,
  input  logic m_axis_tready
);
{_intake(network.chunk_size // symbols, sum_time - 2, sum_time - 1, symbols * symbol_bits, queue)}
{_symbol_layers(layers, symbols, symbol_bits)}
  // The sum over the chunk: clock {sum_time}
  logic [{stages[0].width - 1}:0] sums;
  chunk_sum chunk_sum (.clk, .y({layers[-1][0]}_y), .valid(valid[{sum_time - 3}]), \
.first(first[{sum_time - 3}]),
    .valid_next(valid[{sum_time - 2}]), .first_next(first[{sum_time - 2}]), .sums);
{_stages(stages, sum_time, digit, queue)}
  logic [{CLASSES * score_bits - 1}:0] scores;
  logic [{CLASS_BITS - 1}:0] winner;
  logic complete, decided;
  argmax argmax (.clk, .rst, .y({stages[-1].name}_y), .valid({stages[-1].name}_valid),
    .last({stages[-1].name}_last), .scores, .winner, .complete, .decided);
{_queued(queue) if queue else _IN_PLACE}
endmodule
"""


def _intake(beats: int, time: int, whole: int, width: int, queue: int) -> str:
    room = _CREDITS.format(top=queue.bit_length() - 1, most=queue - 1) if queue else _PROMISE
    two = f"1'b{int(beats == 2)}"
    position = f"position == {beats - 3}" if beats > 2 else "1'b0"
    return f"""\
  // In: registers at the pins. A chunk is whole if it ends with its beat number {beats}.
  logic [{width - 1}:0] x;
  logic [{time}:0] valid, first;  // [n]: of what is n clocks behind x
  logic [{whole}:0] whole;
  logic [{beats.bit_length() - 1}:0] position;  // beats of this chunk so far, at most {beats}
  logic at_start, near_end, at_end;  // position is 0, {beats - 2}, {beats - 1}
  wire take = s_axis_tvalid & s_axis_tready;
  wire accept = take & s_axis_tlast & at_end;
  wire at_end_next = take ? ~s_axis_tlast & near_end : at_end;
{room}
  always_ff @(posedge clk) begin
    x <= s_axis_tdata;
    valid <= rst ? '0 : {{valid[{time - 1}:0], take}};
    first <= rst ? '0 : {{first[{time - 1}:0], take & at_start}};
    whole <= rst ? '0 : {{whole[{whole - 1}:0], accept}};
    if (rst | (take & s_axis_tlast)) begin
      position <= '0;
      at_start <= 1'b1;
      near_end <= {two};
    end else if (take) begin
      position <= position == {beats} ? position : position + 1'b1;
      at_start <= 1'b0;
      near_end <= {position};
    end
    at_end <= ~rst & at_end_next;
    s_axis_tready <= ~rst & ~(at_end_next & full_next);
  end"""


_PROMISE = """\
  // The last beat waits until there is a place for the chunk's sums.
  logic full;
  logic free;
  wire full_next = (full & ~free) | accept;
  always_ff @(posedge clk) full <= ~rst & full_next;"""

_CREDITS = """\
  // The last beat waits until there is a place in the queue.
  logic [{top}:0] under_way;
  wire [{top}:0] under_way_next = under_way + accept - (m_axis_tvalid & m_axis_tready);
  wire full_next = under_way_next == {most};
  always_ff @(posedge clk) under_way <= rst ? '0 : under_way_next;"""


def _symbol_layers(layers: Sequence[tuple[str, int, int]], symbols: int, width: int) -> str:
    lines, before, time = ["  // What looks at symbols"], ("x", width), 1
    for name, wide, clocks in layers:
        time += clocks
        lines.append(f"  logic [{symbols * wide - 1}:0] {name}_y;  // clock {time}")
        for p in range(symbols):
            lines.append(
                f"  {name} {name}_{p} (.clk, .x({before[0]}[{p * before[1]} +: {before[1]}]), "
                f".y({name}_y[{p * wide} +: {wide}]));"
            )
        before = f"{name}_y", wide
    return "\n".join(lines)


def _stages(stages: Sequence[Stage], sum_time: int, digit: int, queue: int) -> str:
    lines, load, x = ["  // What looks at sums"], f"whole[{sum_time - 1}]", "sums"
    for k, stage in enumerate(stages):
        final = stage is stages[-1]
        name = stage.name
        go = "1'b1" if queue else f"~{name}_next"
        width = f"[{CLASSES * digit - 1}:0]" if final else f"[{stages[k + 1].width - 1}:0]"
        flags = f"{name}_valid, {name}_last" if final else f"{name}_done"
        lines += [
            f"  logic {width} {name}_y;",
            f"  logic {name}_start, {flags}, {name}_next;  // next: what follows is not free",
            f"  {name} {name} (.clk, .rst, .load({load}), .go({go}), .start({name}_start), "
            f".x({x}), .y({name}_y),",
            "    "
            + (f".valid({name}_valid), .last({name}_last));" if final else f".done({name}_done));"),
        ]
        load, x = f"{name}_done", f"{name}_y"
    if not queue:
        for k, stage in enumerate(stages):
            release = "free" if k == 0 else f"{stage.name}_free"
            if k:
                lines.append(f"  logic {release};")
            lines += _release(stage, release)
            follower = f"{stages[k + 1].name}_free" if k + 1 < len(stages) else "sent"
            if k + 1 == len(stages):
                lines.append("  wire sent = m_axis_tvalid & m_axis_tready;")
            lines.append(
                f"  always_ff @(posedge clk) {stage.name}_next <= "
                f"~rst & ({stage.name}_start | ({stage.name}_next & ~{follower}));"
            )
    return "\n".join(lines)


def _release(stage: Stage, name: str) -> list[str]:
    if not stage.busy:
        return [f"  assign {name} = {stage.name}_start;"]
    delay = f"{stage.name}_busy"
    shifted = f"{{{delay}[{stage.busy - 2}:0], {stage.name}_start}}"
    return [
        f"  logic [{stage.busy - 1}:0] {delay};",
        f"  always_ff @(posedge clk) {delay} <= rst ? '0 : "
        f"{shifted if stage.busy > 1 else f'{stage.name}_start'};",
        f"  assign {name} = {delay}[{stage.busy - 1}];",
    ]


_IN_PLACE = """\
  // Out: the class and the scores stay until they are taken.
  assign m_axis_tdata = winner;
  assign m_axis_tuser = scores;
  always_ff @(posedge clk) m_axis_tvalid <= ~rst & (decided | (m_axis_tvalid & ~m_axis_tready));"""


def _queued(places: int) -> str:
    return f"""\
  logic put_class;
  always_ff @(posedge clk) put_class <= ~rst & decided;
  queue #(.SCORES($bits(scores)), .PLACES({places})) queue (.clk, .rst, .put_scores(complete),
    .scores, .put_class, .winner, .m_axis_tdata, .m_axis_tuser, .m_axis_tvalid, .m_axis_tready);"""
