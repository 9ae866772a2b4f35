using System.Text.Json;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>What all tests came to; complete after every outcome, so that an interrupted run has its totals too.</summary>
public sealed class OnnxReport
{
    private readonly Lock _lock = new();
    private readonly List<OnnxOutcome> _outcomes = [];
    private readonly SortedDictionary<string, List<string>> _others = new(StringComparer.Ordinal);

    /// <summary>The outcomes so far.</summary>
    public IReadOnlyList<OnnxOutcome> Outcomes
    {
        get
        {
            lock (_lock) return [.. _outcomes];
        }
    }

    /// <summary>Number of models that are not ours.</summary>
    public int Others
    {
        get
        {
            lock (_lock) return _others.Values.Sum(o => o.Count);
        }
    }

    /// <summary>A test failed or broke.</summary>
    public bool IsBad => Outcomes.Any(o => o.Status is OnnxStatus.Fail or OnnxStatus.Error);

    /// <summary>Adds an outcome.</summary>
    public void Add(OnnxOutcome outcome)
    {
        lock (_lock) _outcomes.Add(outcome);
    }

    /// <summary>Adds a model that is not one convolution; <paramref name="kind"/> is its operator, or what it is instead.</summary>
    public void AddOther(string kind, string name)
    {
        lock (_lock)
        {
            if (!_others.TryGetValue(kind, out List<string>? names)) _others.Add(kind, names = []);
            names.Add(name);
        }
    }

    /// <summary>For example <c>44 passed, 0 failed, 4 unsupported, 0 errors; 1000 models are not ours</c>.</summary>
    public string Totals()
    {
        IReadOnlyList<OnnxOutcome> all = Outcomes;
        int Count(OnnxStatus s) => all.Count(o => o.Status == s);
        return $"{Count(OnnxStatus.Pass)} passed, {Count(OnnxStatus.Fail)} failed, {Count(OnnxStatus.Unsupported)} unsupported, {Count(OnnxStatus.Error)} errors; {Others} models are not ours";
    }

    /// <summary>The models that are not ours: their operators, with how many there are of each.</summary>
    public string NotOurs()
    {
        lock (_lock) return $"not ours: {string.Join(", ", _others.Select(o => $"{o.Key} {o.Value.Count}"))}";
    }

    /// <summary>The whole report as one line of JSON.</summary>
    public string ToJson() => JsonText.Object(json =>
    {
        IReadOnlyList<OnnxOutcome> all = Outcomes;
        json.WriteStartArray("tests");
        foreach (OnnxOutcome o in all)
        {
            json.WriteStartObject();
            o.Write(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("totals");
        foreach (OnnxStatus s in Enum.GetValues<OnnxStatus>()) json.WriteNumber(Names.Of(s), all.Count(o => o.Status == s));
        json.WriteNumber("not_ours", Others);
        json.WriteEndObject();
        json.WriteStartObject("not_ours");
        lock (_lock)
            foreach ((string kind, List<string> names) in _others) JsonText.Strings(json, kind, names);
        json.WriteEndObject();
    });
}
