"""What goes into the images: everything that the binaries link and nothing else. Building them needs buildah: `make images`."""

import pathlib
import re
import sys
import tempfile
import unittest
from unittest import mock

from tests.deploy import chart
from tests.testing.cluster import ROOT

sys.path.insert(0, str(pathlib.Path(ROOT) / "deploy" / "images"))
import build  # noqa: E402
import closure  # noqa: E402
import sbom  # noqa: E402

CONTAINERFILE = pathlib.Path(ROOT) / "deploy" / "images" / "Containerfile"


def binary(service):
    return (pathlib.Path(ROOT) / "services" / service / f"baleen-{service}").resolve()


class ContainerfileTest(unittest.TestCase):
    def setUp(self):
        stages = re.split(r"^FROM ", CONTAINERFILE.read_text(), flags=re.MULTILINE)[1:]
        self.stages = {re.match(r"\S+ AS (\S+)", stage).group(1): stage for stage in stages}

    def test_one_image_a_service_from_nothing(self):
        self.assertEqual(set(self.stages), {*build.SERVICES, *(f"{service}-cuda" for service in build.ON_A_GPU)})
        for target, stage in self.stages.items():
            service = target.removesuffix("-cuda")
            self.assertEqual("NVIDIA_DRIVER_CAPABILITIES=compute" in stage, target != service)
            self.assertTrue(stage.startswith("scratch AS "))
            self.assertIn(f"USER {build.USER}:{build.USER}\n", stage)
            self.assertIn(f'ENTRYPOINT ["/usr/bin/baleen-{service}"]', stage)
            self.assertNotRegex(stage, r"(?m)^(RUN|ADD) ")

    def test_the_chart_runs_these_images_as_this_user(self):
        for workload in chart.workloads(chart.render()).values():
            service = re.search(r"baleen-(\w+):(.+)$", chart.container_of(workload)["image"])
            self.assertIn(service.group(1), self.stages)
            self.assertEqual(service.group(2), build.version())
            self.assertEqual(chart.pod_of(workload)["spec"]["securityContext"]["runAsUser"], build.USER)


    def test_a_gpu_has_images_of_its_own(self):
        values = chart.read_values(chart.VALUES["h800-r1"])
        self.assertEqual(values["device"], "cuda")
        for role, workload in chart.own_workloads(chart.render(values)).items():
            container = chart.container_of(workload)
            computes = role in ("prefill", "decode", "expert")
            self.assertEqual(container["image"].endswith("-cuda"), computes, role)
            self.assertEqual("--device=cuda" in container["args"], computes, role)


class TreeTest(unittest.TestCase):
    def test_holds_the_binary_its_libraries_and_the_model(self):
        with tempfile.TemporaryDirectory() as directory:
            tree = pathlib.Path(directory)
            packages, compiled_in = build.lay_out("gateway", binary("gateway"), tree)
            files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
            programs = {path for path in files if "/bin/" in path or path.startswith("bin/")}
            libraries = {str(path.relative_to("/")) for path in closure.libraries(binary("gateway"))}
        self.assertEqual(programs, {"usr/bin/baleen-gateway"})
        self.assertTrue(libraries <= files)
        self.assertIn("models/abacus/config.json", files)
        self.assertTrue({"libc6", "libgrpc++1.51", "libstdc++6"} <= {package.name for package in packages})
        self.assertEqual([package.name for package in compiled_in], ["libboost1.81-dev", "libjs-katex"])

    def test_a_gpus_has_what_the_driver_links(self):
        with tempfile.TemporaryDirectory() as directory:
            tree = pathlib.Path(directory)
            build.lay_out("expert", binary("expert"), tree, cuda=True)
            for library in build.OF_THE_DRIVER:
                self.assertTrue((tree / library.relative_to("/")).is_file(), library)

    def test_placement_carries_no_model(self):
        with tempfile.TemporaryDirectory() as directory:
            build.lay_out("placement", binary("placement"), pathlib.Path(directory))
            self.assertFalse((pathlib.Path(directory) / "models").exists())

    def test_a_missing_library_is_named(self):
        words = mock.Mock(stdout="\tlibgone.so.1 => not found\n")
        with mock.patch.object(closure.subprocess, "run", return_value=words), self.assertRaises(FileNotFoundError) as raised:
            closure.libraries("/bin/some")
        self.assertIn("libgone.so.1", str(raised.exception))

    def test_a_file_of_no_package_is_named(self):
        with tempfile.NamedTemporaryFile() as stranger, self.assertRaises(FileNotFoundError) as raised:
            closure.packages([pathlib.Path(stranger.name)])
        self.assertIn(stranger.name, str(raised.exception))


class SbomTest(unittest.TestCase):
    PACKAGES = [closure.Package("libc6", "2.36-9", "amd64"), closure.Package("libstdc++6", "12.2.0-14", "amd64")]
    HEADERS = [closure.Package("libboost1.81-dev", "1.81.0-5", "amd64")]

    def test_the_same_for_the_same(self):
        document = sbom.document("expert", "1", "ab", self.PACKAGES, self.HEADERS)
        self.assertEqual(sbom.document("expert", "1", "ab", self.PACKAGES, self.HEADERS), document)
        for other in (sbom.document("expert", "1", "ab", self.PACKAGES[:1], self.HEADERS),
                      sbom.document("expert", "1", "ab", self.PACKAGES, self.HEADERS, "13")):
            self.assertNotEqual(other["documentNamespace"], document["documentNamespace"])

    def test_every_relation_has_its_ends(self):
        document = sbom.document("expert", "1", "ab", self.PACKAGES, self.HEADERS, "13")
        known = {package["SPDXID"] for package in document["packages"]}
        self.assertEqual(len(known), 5)
        kinds = {relation["relatedSpdxElement"]: relation["relationshipType"] for relation in document["relationships"]}
        self.assertEqual(kinds["SPDXRef-libc6"], "DYNAMIC_LINK")
        self.assertEqual(kinds["SPDXRef-libboost1.81-dev"], "STATIC_LINK")
        self.assertEqual(kinds["SPDXRef-nvidia-cuda-runtime"], "STATIC_LINK")
        for relation in document["relationships"]:
            self.assertTrue({relation["spdxElementId"], relation["relatedSpdxElement"]} <= known)
        for identity in known:
            self.assertRegex(identity, r"^SPDXRef-[A-Za-z0-9.-]+$")


if __name__ == "__main__":
    unittest.main()
