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

void InsertSorted(std::vector<uint32_t>& list, uint32_t value) { list.insert(std::lower_bound(list.begin(), list.end(), value), value); }

void EraseSorted(std::vector<uint32_t>& list, uint32_t value) { list.erase(std::lower_bound(list.begin(), list.end(), value)); }

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
  safe_.resize(experts());
  experts_.resize(shards());
  holders_.resize(experts());
  shares_ = spec_.loads;
  shard_loads_.resize(shards());
}

void LayerCopies::LiftLoads(uint32_t expert) {
  for (const uint32_t shard : holders_[expert]) shard_loads_[shard] -= shares_[expert];
}

void LayerCopies::SpreadLoads(uint32_t expert) {
  shares_[expert] = spec_.loads[expert] / std::max(1u, Copies(expert));
  for (const uint32_t shard : holders_[expert]) shard_loads_[shard] += shares_[expert];
}

void LayerCopies::Add(uint32_t shard, uint32_t expert) {
  if (Holds(shard, expert)) return;
  LiftLoads(expert);
  held_[shard][expert] = 1;
  InsertSorted(experts_[shard], expert);
  InsertSorted(holders_[expert], shard);
  if (++in_domain_[expert][domain(shard)] <= domain_share_) ++safe_[expert];
  SpreadLoads(expert);
}

void LayerCopies::Remove(uint32_t shard, uint32_t expert) {
  if (!Holds(shard, expert)) return;
  LiftLoads(expert);
  held_[shard][expert] = 0;
  EraseSorted(experts_[shard], expert);
  EraseSorted(holders_[expert], shard);
  if (in_domain_[expert][domain(shard)]-- <= domain_share_) --safe_[expert];
  SpreadLoads(expert);
}

uint32_t LayerCopies::Deficit(uint32_t expert) const { return safe_[expert] >= spec_.replicas ? 0 : spec_.replicas - safe_[expert]; }

bool LayerCopies::IsSpare(uint32_t shard, uint32_t expert) const {
  if (!Holds(shard, expert)) return false;
  return in_domain_[expert][domain(shard)] > domain_share_ || safe_[expert] > spec_.replicas;
}

bool LayerCopies::Helps(uint32_t shard, uint32_t expert) const {
  return !Holds(shard, expert) && Deficit(expert) > 0 && in_domain_[expert][domain(shard)] < domain_share_;
}

bool LayerCopies::MayMove(uint32_t expert, uint32_t from, uint32_t to) const {
  if (!Holds(from, expert) || Holds(to, expert)) return false;
  return domain(from) == domain(to) || in_domain_[expert][domain(to)] < domain_share_ || IsSpare(from, expert);
}

double LayerCopies::MaxLoad() const { return *std::max_element(shard_loads_.begin(), shard_loads_.end()); }

}  // namespace baleen
