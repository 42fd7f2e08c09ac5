// Drives any design of `design.py`: offers beats, takes classes, writes down what came when.
//
//   driver BEATS RECORDS BEAT_BITS SCORE_WORDS GAP STALL SEED PATIENCE
//
// BEATS, all uint32: a row of a word of flags (1: last, 2: reset in the clock before, with no
// beat offered) and the words of s_axis_tdata. In a clock without an offered beat one is
// offered with probability 1 - GAP; m_axis_tready is low with probability STALL. PATIENCE: clocks
// without an event after which the run ends.
//
// RECORDS, all uint32: a row an event, of its clock, what it is (0: a last beat was taken in,
// 1: a class shows, 2: a class is taken), the class and SCORE_WORDS words of scores.
// Exit status: 0; 2 where a design breaks AXI4-Stream: a class withdrawn or changed unread.
#include "Vdesign.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

using Words = std::vector<uint32_t>;

template <class Pin> void put(Pin& pin, const uint32_t* words) {  // pins of up to 64 bits
  uint64_t value = words[0];
  if (sizeof(Pin) == 8) value |= (uint64_t)words[1] << 32;
  pin = (Pin)value;
}
template <std::size_t N> void put(VlWide<N>& pin, const uint32_t* words) {
  for (std::size_t k = 0; k < N; k++) pin[k] = words[k];
}
template <class Pin> void get(const Pin& pin, uint32_t* words) {
  words[0] = (uint32_t)pin;
  if (sizeof(Pin) == 8) words[1] = (uint32_t)((uint64_t)pin >> 32);
}
template <std::size_t N> void get(const VlWide<N>& pin, uint32_t* words) {
  for (std::size_t k = 0; k < N; k++) words[k] = pin[k];
}

int main(int, char** argv) {
  const int beat_bits = atoi(argv[3]), beat_words = (beat_bits + 31) / 32, row = 1 + beat_words;
  const int score_words = atoi(argv[4]);
  const double gap = atof(argv[5]), stall = atof(argv[6]);
  std::mt19937 random(atoi(argv[7]));
  const long patience = atol(argv[8]);
  std::uniform_real_distribution<> uniform;

  FILE* file = fopen(argv[1], "rb");
  fseek(file, 0, SEEK_END);
  Words beats(ftell(file) / 4);
  rewind(file);
  if (fread(beats.data(), 4, beats.size(), file) != beats.size()) return 1;
  fclose(file);
  FILE* records = fopen(argv[2], "wb");
  const long count = beats.size() / row;

  auto design = std::make_unique<Vdesign>();
  Words noise(beat_words), event(3 + score_words), before;
  bool offered = false, burst = true;
  long next = 0, quiet = 0, reset_before = -1;
  uint32_t clock = 0;
  auto write = [&](uint32_t what) {
    event[0] = clock, event[1] = what;
    fwrite(event.data(), 4, event.size(), records);
    quiet = 0;
  };
  for (; quiet < patience; clock++, quiet++) {
    const bool asked = !offered && next < count && (beats[row * next] & 2) && reset_before != next;
    const bool resets = clock < 2 || asked;  // every run begins with a reset
    if (asked) reset_before = next;
    if (gap > 0 && uniform(random) < 0.02) burst = !burst;
    if (!offered && !resets && next < count) offered = gap == 0 || burst || uniform(random) >= gap;
    for (auto& word : noise) word = random();
    if (beat_bits % 32) noise.back() &= (1u << beat_bits % 32) - 1;  // as wide as the pins
    design->rst = resets;
    design->s_axis_tvalid = offered;
    design->s_axis_tlast = offered ? beats[row * next] & 1 : random() & 1;
    put(design->s_axis_tdata, offered ? &beats[row * next + 1] : noise.data());
    design->m_axis_tready = stall == 0 || uniform(random) >= stall;
    design->clk = 0;
    design->eval();  // the pins as this clock's edge will see them

    if (!resets && offered && design->s_axis_tready) {
      if (beats[row * next] & 1) write(0);
      quiet = 0, offered = false, next++;
    }
    if (!resets && design->m_axis_tvalid) {
      event[2] = design->m_axis_tdata;
      get(design->m_axis_tuser, &event[3]);
      const Words now(event.begin() + 2, event.end());
      if (before.empty()) write(1);
      else if (before != now) return 2;
      before = now;
      if (design->m_axis_tready) write(2), before.clear();
    } else if (!resets && !before.empty()) {
      return 2;
    } else if (resets) {
      before.clear();
    }
    design->clk = 1;
    design->eval();
  }
  fclose(records);
  return 0;
}
