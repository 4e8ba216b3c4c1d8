using System.Diagnostics;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Http;
using FinanceIngest.Intake;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Headers, as lines of <c>Name: value</c>.</summary>
internal sealed class HeadersTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "headers";

    /// <inheritdoc/>
    public override string Properties =>
        "read, or refused with 400 or 415; a wait of 0 to 30 s; a key of 1 to 255 characters that reads back from its quoted form; "
            + "any traceparent starts a span";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "Idempotency-Key: ", "Prefer: ", "Content-Type: ", "Content-Encoding: ", "traceparent: ", "tracestate: ", "\n", "wait=", "wait=10",
        "WAIT = \"5\"", "respond-async, wait=30; foo=\"a,b\"", "\"", "\\\"", "\\\\", ";", ",",
        "application/json", "application/x-ndjson", "application/problem+json", "; charset=utf-8", "; charset=\"UTF-8\"", "; charset=latin1", ";charset",
        "identity", "gzip",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-0000000000000000-00", "ff-", "=",
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    ];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        FuzzRequest request = FuzzRequest.Parse([.. "GET /\n"u8, .. input]);
        string? key = Read(() => IdempotencyKeyHeader.Read(request), out string keyOutcome);
        int wait = Read(() => WaitPreference.Seconds(request), out string waitOutcome);
        Property.Holds(wait is >= 0 and <= WaitPreference.MaximumSeconds, "a wait has its limits", $"{wait}");
        string? mediaType = Read(request.MediaType, out string typeOutcome);
        Read(() => ManyItems.RequireFormat(request), out string formatOutcome);
        Property.Holds(mediaType is null || !mediaType.Any(char.IsAsciiLetterUpper), "a media type is in lower case", $"{mediaType}");
        if (key is not null)
        {
            Property.Holds(key.EnumerateRunes().Count() is >= 1 and <= 255, "a key has 1 to 255 characters", $"{key.Length}");
            var quoted = new FuzzRequest("GET", "/", []).With(
                "Idempotency-Key", $"\"{key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
            Property.Same(key, IdempotencyKeyHeader.Read(quoted), "a key reads back from its quoted form");
        }

        return $"key {keyOutcome} {key?.Length > 0}, wait {waitOutcome} {Math.Min(wait, 1)}, type {typeOutcome} {formatOutcome}, {Trace(request)}";
    }

    private static string Trace(FuzzRequest request)
    {
        using Activity? activity = RequestTrace.Start("POST", request.Header("traceparent"), request.Header("tracestate"));
        Property.Holds(activity is { IdFormat: ActivityIdFormat.W3C, Id: not null }, "a request has a trace", $"{activity?.Id}");
        bool goesOn = activity!.ParentId is not null;
        Property.Holds(
            !goesOn || request.Header("traceparent")!.Contains(activity.TraceId.ToHexString(), StringComparison.Ordinal),
            "a trace goes on under its own id",
            $"{activity.Id}");
        return goesOn ? "goes on" : "begins";
    }

    private static T? Read<T>(Func<T> read, out string outcome)
    {
        try
        {
            T value = read();
            outcome = "ok";
            return value;
        }
        catch (ProblemException e)
        {
            Property.Holds(e.Problem.Status is 400 or 415, "a header is read, or refused with 400 or 415", $"{e.Problem.Status}");
            outcome = $"{e.Problem.Status}";
            return default;
        }
    }
}
