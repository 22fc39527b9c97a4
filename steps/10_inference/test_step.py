"""What step 10 promises: the model is loaded once, and every signal says which one it was."""

from dataclasses import dataclass

import pytest

from workshop.course import inference, promises
from workshop.course.promises import NAMESPACE, dimensions, listed, number, shortened
from workshop.course.sent import Sent
from workshop.course.wrong import Wrong

MILLISECONDS = "Milliseconds"
SHORTEST = 0.002
"""Milliseconds. No model answers sooner; what is shorter was measured in another unit."""

METRICS = "https://docs.aws.amazon.com/powertools/python/latest/core/metrics/"
TRACER = "https://docs.aws.amazon.com/powertools/python/latest/core/tracer/"
LIFE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"


@dataclass(frozen=True)
class Scored:
    """Payments scored in one execution environment, all with one release of the model.

    Attributes:
        version: What the model's file says.
        model: The same file, opened by the check.
        sent: The payments, the first on a cold start.
    """

    version: str
    model: inference.Oracle
    sent: tuple[Sent, ...]


@pytest.fixture(scope="module")
def mount(step):
    """A shared mount that the check does with as it likes."""
    with inference.mount(step.solution / "mnt" / "models") as made:
        yield made


@pytest.fixture(scope="module")
def before(lab_with, mount, seeded):
    """Five payments in one environment; after the first, the whole mount is taken away."""
    path = mount.release(inference.OLD, seeded)
    model = inference.Oracle(path)
    with lab_with(**{inference.PARAMETER: str(mount.folder)}) as send:
        first = send(inference.payment(seeded))
        mount.unmount()
        warm = (
            send(inference.payment(seeded, payments_last_hour=None)),
            send(inference.stolen(seeded)),
            send(inference.testing(seeded)),
            send(inference.undecided(seeded, model)),
        )
    mount.mount_again()
    return Scored(inference.OLD, model, (first, *warm))


@pytest.fixture(scope="module")
def after(before, lab_with, mount, seeded):
    """Two payments in a new environment, after another release of the model."""
    path = mount.release(inference.NEW, seeded)
    with lab_with(**{inference.PARAMETER: str(mount.folder)}) as send:
        sent = (send(inference.testing(seeded)), send(inference.payment(seeded)))
    return Scored(inference.NEW, inference.Oracle(path), sent)


@pytest.fixture(scope="module")
def counted(after, lab_with, mount, seeded):
    """Payments in one environment, by a model of which a session never says the same twice."""
    mount.lay_out(inference.COUNTING, seeded)
    with lab_with(**{inference.PARAMETER: str(mount.folder)}) as send:
        return tuple(send(inference.payment(seeded)) for _ in range(4))


def explain_exception(sent):
    """Say more of a model that was not there when a warm environment looked for it."""
    said = str(sent.error.get("errorMessage"))
    if sent.invocation.cold_start or not (".onnx" in said or "current.txt" in said):
        return
    raise Wrong(
        "loaded-every-time",
        "the model is loaded on every invocation",
        saw="we took the mount away after the first payment, and the next one raised\n"
        f"{sent.error.get('errorType')}: {said[:160]}",
        wanted="an answer: what was loaded once stays for as long as the environment does",
        look=f"what runs once for an environment, and what for every payment?\n{LIFE}",
    )


def all_of(*scored):
    """Return every payment with the version it was scored by."""
    return [(one.version, sent) for one in scored for sent in one.sent]


def test_the_model_is_loaded_once(before):
    """A warm environment has the model: it does not read the file again."""
    assert all(sent.succeeded for sent in before.sent), "a payment was not answered"


def test_the_caller_is_answered(before):
    """A payment is answered with its risk and a decision."""
    first = before.sent[0]
    if not isinstance(first.response, dict) or not {"risk", "decision"} <= set(first.response):
        raise Wrong(
            "response-lost",
            "the caller no longer gets the risk and the decision",
            saw=f"the response {shortened(first.response)}",
            wanted="the dict that the handler returned before",
            look="the end of the handler in app.py: is every path through it still returning?",
        )


def test_nothing_private_is_shown(before):
    """Card number and holder are in no signal."""
    promises.nothing_private_is_shown(
        before.sent, also="metrics and traces are kept for long, and read by many"
    )


def test_the_answers_are_the_models(before):
    """The risk is what the model says of the payment, and the decision follows from it."""
    for sent in before.sent:
        risk = before.model.risk(sent.event)
        said = (sent.response or {}).get("risk")
        if not isinstance(said, int | float) or abs(said - risk) > 1e-3:
            raise Wrong(
                "risk-wrong",
                "the risk is not what the model says",
                saw=f"{said} for a payment of {sent.event['amount']} cents",
                wanted=f"{risk:.4f}: the features as fraud_model.py gives them to the model",
                look="are all features there, in the order of the model, in the same units?",
            )
        decision = "review" if risk > 0.5 else "accept"
        if (sent.response or {}).get("decision") != decision:
            raise Wrong(
                "decision-wrong",
                "the decision does not follow from the risk",
                saw=f"{(sent.response or {}).get('decision')} at a risk of {risk:.4f}",
                wanted=f"{decision}: above 0.5 a person reviews the payment",
                look="the end of the handler in app.py",
            )


def test_a_new_release_needs_no_new_code(after):
    """A new environment answers by the release that the mount names now."""
    for sent in after.sent:
        risk = after.model.risk(sent.event)
        said = (sent.response or {}).get("risk")
        if abs(said - risk) > 1e-3:
            raise Wrong(
                "release-ignored",
                "a new release of the model changes nothing",
                saw=f"current.txt named another file, and a new environment still said {said}",
                wanted=f"{risk:.4f}, as the model that the mount names now",
                look="does app.py name the file itself, or a folder other than MODEL_MOUNT?",
            )


def test_the_session_is_made_once(counted):
    """A warm environment asks the session that it has: it makes no other."""
    risks = {str((sent.response or {}).get("risk")) for sent in counted}
    if len(risks) == 1:
        raise Wrong(
            "loaded-every-time",
            "a session is made on every invocation",
            saw="we laid out a model whose session never says the same twice, and "
            f"{len(counted)} payments in one environment all got {risks.pop()}",
            wanted="one InferenceSession for an environment: making it takes the time, even of "
            "bytes that are in memory",
            look=f"what runs once for an environment, and what for every payment?\n{LIFE}",
        )


def test_the_log_says_which_model(before, after):
    """Every payment has a log event with the key model_version."""
    for version, sent in all_of(before, after):
        said = [line.key("model_version") for line in sent.own_logs if not line.is_emf]
        if any(said) and version not in said:
            raise wrong_version("the log", "; ".join(str(one) for one in said if one), version)
        if version in said:
            continue
        which = "first payment" if sent.invocation.cold_start else "payment in a warm environment"
        keys = listed(key for line in sent.own_logs if not line.is_emf for key in line.json or ())
        raise Wrong(
            "no-version-on-log",
            "the log does not say which model it was",
            saw=f"the log of a {which}; its keys: {keys}",
            wanted=f'"model_version": "{version}" in a log event of every payment',
            look="logger.append_keys, in the handler: clear_state takes away what was appended "
            "before",
        )


def wrong_version(where, saw, version):
    """Say what is wrong with a version that is not the model's."""
    return Wrong(
        "version-wrong",
        f"{where} names another version of the model",
        saw=f"model_version {saw}",
        wanted=f"{version}: what the file that answered says of itself",
        look="is it read from the model, after loading?   fraud_model.py: Model.version",
    )


def points(sent, name):
    """Return the data points of one metric, in whatever dimensions."""
    return [point for point in sent.points if (point.namespace, point.name) == (NAMESPACE, name)]


def test_the_score_is_measured(before, after):
    """Every payment leaves InferenceDuration."""
    problems = [problem for _, sent in all_of(before, after) for problem in sent.emf_problems]
    if problems:
        raise Wrong(
            "emf-malformed",
            "a log event means to be EMF, and CloudWatch would not read it",
            saw=problems[0],
            wanted="a log event as the specification says",
            look=f"Metrics writes it for you. {METRICS}",
        )
    for _, sent in all_of(before, after):
        if not points(sent, "InferenceDuration"):
            which = "first payment" if sent.invocation.cold_start else "payment when warm"
            raise Wrong(
                "inference-not-measured",
                "InferenceDuration is missing",
                saw=f"metrics of a {which}: {listed(point.name for point in sent.points)}",
                wanted="InferenceDuration, unit Milliseconds: how long model.score took",
                look="time.perf_counter before and after; then metrics.add_metric",
            )


def test_the_load_is_measured_once(before, after):
    """The first payment of an environment leaves ModelLoadDuration, and no other does."""
    for scored in (before, after):
        first, *warm = scored.sent
        if not points(first, "ModelLoadDuration"):
            raise Wrong(
                "load-not-measured",
                "ModelLoadDuration is missing",
                saw=f"metrics of a first payment: {listed(point.name for point in first.points)}",
                wanted="ModelLoadDuration, unit Milliseconds, with the first payment of an "
                "environment",
                look="time.perf_counter before and after loading; what add_metric was given while "
                "the module was imported is flushed with the first payment",
            )
        again = [sent for sent in warm if points(sent, "ModelLoadDuration")]
        if again:
            raise Wrong(
                "load-counted-again",
                "ModelLoadDuration is there although nothing was loaded",
                saw=f"{len(again)} of {len(warm)} payments in a warm environment have it",
                wanted="the first payment of an environment alone: then SampleCount is the number "
                "of cold starts",
                look="add_metric where the model is loaded, and not in the handler",
            )


def test_durations_are_milliseconds(before, after):
    """Both durations are what they say: milliseconds, and not longer than the invocation."""
    for _, sent in all_of(before, after):
        report = sent.invocation.report
        for name in ("InferenceDuration", "ModelLoadDuration"):
            whole = report.duration_ms + 1
            if name == "ModelLoadDuration":
                whole += report.init_duration_ms or 0
            for point in points(sent, name):
                if point.unit != MILLISECONDS:
                    raise Wrong(
                        "unit-wrong",
                        f"{name} has another unit",
                        saw=f"{name}, unit {point.unit}",
                        wanted="unit Milliseconds: a chart has to know",
                        look=f"the unit of add_metric in app.py. {METRICS}#creating-metrics",
                    )
                if not 0 < sum(point.values) <= whole:
                    raise wrong_duration(
                        f"{name} {number(sum(point.values))} ms, in an invocation of "
                        f"{report.duration_ms:.1f} ms, init {report.init_duration_ms or 0:.0f} ms"
                    )
    shortest = min(
        sum(point.values)
        for _, sent in all_of(before, after)
        for point in points(sent, "InferenceDuration")
    )
    if shortest < SHORTEST:
        raise wrong_duration(f"InferenceDuration {number(shortest)} ms: no model is so fast")


def wrong_duration(saw):
    """Say what is wrong with a duration that cannot be."""
    return Wrong(
        "duration-wrong",
        "a duration cannot be right",
        saw=saw,
        wanted="milliseconds from before to after",
        look="time.perf_counter counts seconds: one minus the other, times 1000, not rounded",
    )


def test_metrics_are_kept_by_version(before, after):
    """InferenceDuration and ModelLoadDuration have the dimension model_version."""
    for version, sent in all_of(before, after):
        ids = {sent.event[name] for name in ("payment_id", "customer_id", "correlation_id")}
        ids.add(sent.invocation.request_id)
        for point in sent.points:
            unique = [key for key, value in point.dimensions.items() if value in ids]
            if unique:
                raise Wrong(
                    "high-cardinality-dimension",
                    f"the dimension {unique[0]} is another for every payment",
                    saw=f"{point.name} by {dimensions(point)}",
                    wanted="few values, such as versions: each makes a series of its own, and is "
                    "billed as a metric of its own",
                    look=f"an id belongs in the log event. {METRICS}#adding-metadata",
                )
        for name in ("InferenceDuration", "ModelLoadDuration"):
            found = points(sent, name)
            versions = {point.dimensions.get("model_version") for point in found} - {None}
            if not found or version in versions:
                continue
            if versions:
                raise wrong_version("a metric", listed(versions), version)
            raise Wrong(
                "no-version-on-metric",
                f"{name} does not say which model it was",
                saw=f"its dimensions: {dimensions(found[0])}",
                wanted=f"model_version={version} beside service=risk",
                look="set_default_dimensions, once the model is loaded. "
                f"{METRICS}#adding-default-dimensions",
            )


def documents(segments):
    """Return segment documents with those inside them."""
    for document in segments:
        yield document
        yield from documents(document.get("subsegments") or ())


def test_the_trace_says_which_model(before, after):
    """Every payment's trace has the annotation model_version."""
    for version, sent in all_of(before, after):
        every = list(documents(sent.segments))
        said = [document.get("annotations", {}).get("model_version") for document in every]
        if version in said:
            continue
        if any(said):
            raise wrong_version("the trace", "; ".join(str(one) for one in said if one), version)
        if any("model_version" in str(document.get("metadata")) for document in every):
            raise Wrong(
                "version-as-metadata",
                "the version is in the trace's metadata, which cannot be searched",
                saw="metadata model_version, and no annotation",
                wanted=f"the annotation model_version = {version}",
                look=f"tracer.put_annotation, in place of put_metadata. {TRACER}",
            )
        keys = listed(key for document in every for key in document.get("annotations", {}))
        raise Wrong(
            "no-version-on-trace",
            "the trace does not say which model it was",
            saw=f"annotations: {keys}",
            wanted=f"the annotation model_version = {version} on the trace of every payment",
            look="tracer.put_annotation, in the handler: there is no trace while the module is "
            f"imported. {TRACER}",
        )


def test_a_model_that_cannot_be_read_is_told(after, lab_with, mount, seeded):
    """A truncated model fails the function, and the error names the file."""
    path = mount.release(inference.NEW, seeded)
    mount.truncate(path)
    with lab_with(**{inference.PARAMETER: str(mount.folder)}) as send:
        sent = send.unjudged(inference.payment(seeded))
    if sent.succeeded:
        raise Wrong(
            "bad-model-hidden",
            "half of the model's file was missing, and the payment was scored all the same",
            saw=f"the response {shortened(sent.response)}",
            wanted="a function that fails: nobody looks into an accepted payment",
            look="an except in app.py that goes on without a model?",
        )
    told = [str(sent.error.get("errorMessage")), *(line.text for line in sent.own_logs)]
    if not any(path.name in one for one in told):
        raise Wrong(
            "bad-model-hidden",
            "half of the model's file was missing, and the error does not say of which",
            saw=f"{sent.error.get('errorType')}: {str(sent.error.get('errorMessage'))[:160]}",
            wanted="the path of the file, as fraud_model.ModelError gives it",
            look="an except in app.py that raises another error, or none?",
        )
