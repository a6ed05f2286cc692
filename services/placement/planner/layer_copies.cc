#include "services/placement/planner/layer_copies.h"

#include <algorithm>

namespace baleen {
namespace {

std::vector<uint64_t> DomainSizes(const std::vector<uint32_t>& domains) {
  std::vector<uint64_t> sizes;
  for (const uint32_t domain : domains) {
    if (domain >= sizes.size()) sizes.resize(domain + 1);
    ++sizes[domain];
  }
  return sizes;
}

// The smallest number of copies in one domain with which the replicas still fit.
uint32_t DomainShare(const std::vector<uint64_t>& sizes, uint32_t replicas) {
  for (uint32_t share = 1; share < replicas; ++share) {
    uint64_t fits = 0;
    for (const uint64_t size : sizes) fits += std::min<uint64_t>(share, size);
    if (fits >= replicas) return share;
  }
  return std::max(1u, replicas);
}

// Whether shards of `slots` experts have room for all replicas under the domains' share.
bool Fits(const std::vector<uint64_t>& sizes, uint64_t experts, uint32_t replicas, uint32_t share, uint64_t slots) {
  uint64_t room = 0;
  for (const uint64_t size : sizes) room += std::min(experts * std::min<uint64_t>(share, size), size * slots);
  return room >= experts * replicas;
}

}  // namespace

LayerCopies::LayerCopies(const LayerSpec& spec) : spec_(spec) {
  const std::vector<uint64_t> sizes = DomainSizes(spec_.domains);
  domain_count_ = static_cast<uint32_t>(sizes.size());
  domain_share_ = DomainShare(sizes, spec_.replicas);
  const uint32_t even = (experts() * spec_.replicas + shards() - 1) / shards();
  filled_slots_ = std::min(experts(), even + spec_.extra_slots);
  max_slots_ = filled_slots_;
  while (max_slots_ < experts() && !Fits(sizes, experts(), spec_.replicas, domain_share_, max_slots_)) ++max_slots_;
  held_.assign(shards(), std::vector<char>(experts()));
  in_domain_.assign(experts(), std::vector<uint32_t>(domain_count_));
  sizes_.resize(shards());
  shard_loads_.resize(shards());
  copies_.resize(experts());
}

std::vector<uint32_t> LayerCopies::Experts(uint32_t shard) const {
  std::vector<uint32_t> list;
  for (uint32_t expert = 0; expert < experts(); ++expert) {
    if (Holds(shard, expert)) list.push_back(expert);
  }
  return list;
}

void LayerCopies::ShiftLoads(uint32_t expert, double by) {
  for (uint32_t shard = 0; shard < shards(); ++shard) {
    if (Holds(shard, expert)) shard_loads_[shard] += by;
  }
}

void LayerCopies::Add(uint32_t shard, uint32_t expert) {
  if (Holds(shard, expert)) return;
  ShiftLoads(expert, -Share(expert));
  held_[shard][expert] = 1;
  ++sizes_[shard];
  ++copies_[expert];
  ++in_domain_[expert][domain(shard)];
  ShiftLoads(expert, Share(expert));
}

void LayerCopies::Remove(uint32_t shard, uint32_t expert) {
  if (!Holds(shard, expert)) return;
  ShiftLoads(expert, -Share(expert));
  held_[shard][expert] = 0;
  --sizes_[shard];
  --copies_[expert];
  --in_domain_[expert][domain(shard)];
  ShiftLoads(expert, Share(expert));
}

uint32_t LayerCopies::CountSafe(uint32_t expert) const {
  uint32_t safe = 0;
  for (const uint32_t count : in_domain_[expert]) safe += std::min(count, domain_share_);
  return safe;
}

uint32_t LayerCopies::Deficit(uint32_t expert) const {
  const uint32_t safe = CountSafe(expert);
  return safe >= spec_.replicas ? 0 : spec_.replicas - safe;
}

bool LayerCopies::IsSpare(uint32_t shard, uint32_t expert) const {
  if (!Holds(shard, expert)) return false;
  return in_domain_[expert][domain(shard)] > domain_share_ || CountSafe(expert) > spec_.replicas;
}

bool LayerCopies::Helps(uint32_t shard, uint32_t expert) const {
  return !Holds(shard, expert) && Deficit(expert) > 0 && in_domain_[expert][domain(shard)] < domain_share_;
}

bool LayerCopies::MayMove(uint32_t expert, uint32_t from, uint32_t to) const {
  if (!Holds(from, expert) || Holds(to, expert)) return false;
  return domain(from) == domain(to) || in_domain_[expert][domain(to)] < domain_share_ || IsSpare(from, expert);
}

double LayerCopies::Share(uint32_t expert) const { return spec_.loads[expert] / std::max(1u, copies_[expert]); }

double LayerCopies::MaxLoad() const { return *std::max_element(shard_loads_.begin(), shard_loads_.end()); }

}  // namespace baleen
