# Baleen's front door. `make` lists the targets; Bazel does the building.

BAZEL ?= bazel
MINUTES ?= 5
SEED ?= 1
QUESTION ?= What is 4821 + 1397?
SHAPES ?= small
PARTS ?= kernels,engine,layers,drafts,shards,users,turns
ROUNDS ?= 5
SECONDS ?= 60
BALEEN := tools/baleen/baleen
VENV := .baleen/venv

# Names that `make up` takes; unset ones keep the command's defaults.
export MODEL GATEWAYS PREFILL DECODE SHARDS REPLICAS PLACEMENTS ETCD TLS DTYPE TRANSPORT MTP SHARE_WEIGHTS DEVICE TENSOR_PARALLEL KV_MIB THREADS CORES NUMA_NODE \
	TENANTS PRICES GUARDRAIL TRACES API_KEY PORT_BASE CLUSTER_DIR QUESTION

BINARIES := \
	//services/gateway:baleen-gateway \
	//services/attention:baleen-attention \
	//services/expert:baleen-expert \
	//services/placement:baleen-placement

# What a GPU runs needs nvcc 13 (CUDA_HOME, on PATH, or installed by setup): the services with CUDA=1 or DEVICE=cuda, tests with CUDA=1 alone.
WITH_CUDA := $(or $(filter 1,$(CUDA)),$(filter cuda,$(DEVICE)))
CUDA_FLAG := $(if $(WITH_CUDA),--//third_party/cuda:enabled)
CUDA_TARGETS := $(if $(filter 1,$(CUDA)),//kernels/cuda:kernel_tests //kernels/cuda:kernel_bench)

# Threads of ours alone: the step loop and its scheduler, the router over the in-process transport, the pools below them, and the simulator.
TSAN_TESTS := \
	//base:thread_pool_test \
	//services/attention/engine:shared_experts_test \
	//services/attention/scheduler:scheduler_test \
	//services/attention/worker:step_loop_test \
	//services/kv/cache:block_pool_test \
	//services/kv/transfer:block_copy_test \
	//services/kv/transfer:kv_transfer_test \
	//services/router:dispatch_core_test \
	//services/router:router_test \
	//tests/simulation:simulation_test

.PHONY: help setup setup-train build certs demo up down status scale chat logs test test-asan test-tsan chaos overload fuzz openapi soak bench images format lint
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

setup:  ## install what is missing: Debian packages and a Python environment for the tests
	@tools/setup/debian.sh
	@tools/setup/venv.sh $(VENV) tools/setup/requirements-test.txt
	@$(if $(WITH_CUDA),tools/setup/cuda.sh)

setup-train: setup  ## install what training and golden files need (torch, transformers)
	@tools/setup/venv.sh .baleen/venv-train tools/setup/requirements-train.txt

build: setup  ## build the services (CUDA=1: for a GPU, with the kernels' tests)
	@$(BAZEL) build $(CUDA_FLAG) $(BINARIES) $(CUDA_TARGETS)

demo: build  ## start a cluster, ask QUESTION, show the answer, stop it
	@$(BALEEN) up && { $(BALEEN) status && $(BALEEN) chat; result=$$?; $(BALEEN) down && exit $$result; }

certs:  ## make certificates for TLS=1 into .baleen/certs; 'tools/baleen/baleen certs --renew' issues them anew
	@$(BALEEN) certs

up: build  ## start a cluster in the background (MODEL GATEWAYS PREFILL DECODE SHARDS REPLICAS PLACEMENTS ETCD DEVICE TENSOR_PARALLEL DTYPE MTP TRANSPORT TLS KV_MIB SHARE_WEIGHTS THREADS CORES NUMA_NODE TENANTS PRICES GUARDRAIL TRACES PORT_BASE CLUSTER_DIR)
	@$(BALEEN) up

down:  ## stop it
	@$(BALEEN) down

status:  ## show its processes
	@$(BALEEN) status

scale:  ## change the number of expert shards while it runs (SHARDS); 'tools/baleen/baleen scale ROLE=COUNT' does so for other roles
	@$(BALEEN) scale

chat:  ## ask it QUESTION
	@$(BALEEN) chat

logs:  ## show the end of its logs
	@$(BALEEN) logs

test: setup  ## run every test; the last line counts them (CUDA=1: on the GPU too)
	@mkdir -p .baleen
	@$(BAZEL) test $(CUDA_FLAG) //... $(filter %_tests,$(CUDA_TARGETS)) --keep_going --build_event_json_file=.baleen/test-events.json; \
	tools/test_summary/test_summary.py .baleen/test-events.json $$?

test-asan: setup  ## run the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(BAZEL) test --config=asan --keep_going --test_env=LSAN_OPTIONS=suppressions=$(CURDIR)/tests/testing/lsan.supp \
		$$($(BAZEL) query 'kind(cc_test, //...) except attr(tags, manual, //...)' 2>/dev/null)

test-tsan: setup  ## run what is built without Debian's uninstrumented gRPC under ThreadSanitizer
	@$(BAZEL) test --config=tsan --keep_going --test_env=TSAN_OPTIONS=suppressions=$(CURDIR)/tests/testing/tsan.supp $(TSAN_TESTS)

chaos: setup  ## kill, freeze, cut off and drain processes under load for MINUTES (SEED FAULTS STREAMS ONLY="cut off decode" ETCD_SECONDS=600 TRANSPORT=ucx MTP=1); every token must stay the same
	@$(BAZEL) run //tests/chaos -- --minutes=$(MINUTES) --seed=$(SEED) $(if $(FAULTS),--faults=$(FAULTS)) $(if $(STREAMS),--streams=$(STREAMS)) \
		$(if $(filter 1,$(MTP)),--mtp) $(if $(TRANSPORT),--transport=$(TRANSPORT)) $(if $(ONLY),--only='$(ONLY)') \
		$(if $(ETCD_SECONDS),--etcd_seconds=$(ETCD_SECONDS)) --out=$(CURDIR)/.baleen/chaos.json

overload: setup  ## too much load, a greedy neighbour, slow readers, clients that leave, shards that come and go under load: figures (SECONDS ROUNDS SEED ONLY=neighbour)
	@$(BAZEL) run //tests/chaos:overload -- --seconds=$(SECONDS) --rounds=$(ROUNDS) --seed=$(SEED) \
		$(if $(ONLY),--parts=$(ONLY)) --out=$(CURDIR)/.baleen/overload.json

fuzz: setup  ## feed every parser random input for SECONDS each (TARGETS=safetensors,kv_page); bad inputs go to .baleen/fuzz
	@tests/fuzz/run.py --bazel=$(BAZEL) --seconds=$(SECONDS) --targets=$(TARGETS) $(if $(filter 1,$(MERGE)),--merge)

openapi: setup  ## let schemathesis make requests from the OpenAPI document for MINUTES and judge the answers by it
	@$(BAZEL) test //tests/e2e:openapi_test --cache_test_results=no --test_output=all \
		--test_env=OPENAPI_SECONDS=$$(($(MINUTES) * 60)) --test_timeout=$$(($(MINUTES) * 60 + 600))

soak: setup  ## load a healthy cluster for MINUTES under Prometheus: no alert, no failure, no growth (.baleen/soak.json)
	@$(BAZEL) run //tests/soak -- --minutes=$(MINUTES) --out=$(CURDIR)/.baleen/soak.json

bench: setup  ## run the benchmarks into .baleen/bench.json, pictures into .baleen/bench (SHAPES PARTS ROUNDS)
	@tools/setup/venv.sh .baleen/venv-bench tools/setup/requirements-bench.txt
	@.baleen/venv-bench/bin/python tools/bench/run.py --bazel=$(BAZEL) --out=.baleen/bench.json \
	  --shapes=$(SHAPES) --parts=$(PARTS) --rounds=$(ROUNDS)

images: build  ## build one container image a service into .baleen/images, and run each once (CUDA=1: those for a GPU)
	@deploy/images/build.py --binaries=bazel-bin --out=.baleen/images $(if $(filter 1,$(CUDA)),--cuda)

format: setup  ## format the C++ files
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format -i

lint: setup  ## check formatting and style
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format --dry-run -Werror
	@$(BAZEL) test //tests/tidy/...
