// A plan for measured load, made from a copy of what it depends on: for large clusters it takes seconds, while which placement goes on.
#ifndef BALEEN_SERVICES_PLACEMENT_REBALANCE_PLAN_H_
#define BALEEN_SERVICES_PLACEMENT_REBALANCE_PLAN_H_

#include <cstdint>
#include <map>
#include <string>

#include "services/placement/planner/plan.h"

namespace baleen {

struct RebalanceInput {
  uint64_t version = 0;                     // Of the assignments that it was copied from.
  double gain = 1;                          // How much more even a plan has to be to be worth its moves.
  std::map<std::string, PlanInput> groups;  // By numerics_id, with loads.
};

struct RebalancePlan {
  uint64_t version = 0;
  std::map<std::string, Plan> groups;  // Those of which experts are to move.
};

// A pure function. The inputs satisfy CheckPlanInput.
RebalancePlan PlanRebalance(const RebalanceInput& input);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_REBALANCE_PLAN_H_
