using System.Text;
using CsCheck;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>A request that the server must refuse.</summary>
/// <param name="Flaw">A description of the request's fault.</param>
public sealed record BadRequest(string Flaw, string Method, string Path, string MediaType, byte[] Body)
{
    /// <summary>Describes the request in the message of a failed test.</summary>
    public override string ToString()
    {
        string start = Encoding.Latin1.GetString(Body.AsSpan(0, Math.Min(Body.Length, 300)));
        return $"{Flaw}: {Method} {Path}, {MediaType}, {Body.Length} bytes: {start}";
    }
}

/// <summary>Generates requests whose bodies are wrong in every way that a body can be wrong.</summary>
internal static class BadRequests
{
    private const int MebiByte = 1024 * 1024;

    private static readonly Gen<byte[]> s_notUtf8 = Gen.OneOf<byte[]>(
        [0xFF], [0xC3, 0x28], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]);

    private static readonly Gen<string> s_giantNumber = Gen.Select(Gen.OneOf("", "-"), Gen.Int[25, 5000], Gen.OneOf("", ".5", "e400", "E-400", "e99999999999"),
        (sign, digits, rest) => sign + new string('9', digits) + rest);

    private static readonly Gen<string> s_wrongValue = Gen.OneOf(
        Gen.OneOf(
            "true", "false", "[]", "[1]", "{}", "{\"user_id\": 1}", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"",
            "\"NaN\"", "1e400", "-1e400", "1e-400", "0.00001"),
        s_giantNumber,
        s_giantNumber.Select(digits => $"\"{digits}\""),
        Gen.Int[256, 100_000].Select(length => $"\"{new string('x', length)}\""));

    private static readonly Gen<string> s_deep = Gen.Select(Gen.Int[65, 20_000], Gen.OneOf("[]", "{}"), Gen.Bool, (depth, brackets, closed) =>
        string.Concat(Enumerable.Repeat(brackets == "[]" ? "[" : "{\"a\":", depth)) + (closed ? new string(brackets[1], depth) : ""));

    private static readonly (string Path, string[] Fields, string Item)[] s_routes =
    [
        ("/api/transactions", ["user_id", "category_id", "amount", "idempotency_key", "occurred_at"], Transaction),
        ("/api/score-transaction", ["user_id", "category_id", "amount", "idempotency_key", "occurred_at"], Transaction),
        ("/api/transactions/batch", ["user_id", "category_id", "amount", "idempotency_key", "occurred_at"], Transaction),
        ("/api/transactions/status", ["ids"], "{\"ids\": [\"x\"], \"note\": \"?\"}"),
        ("/api/stats", ["user_id", "category_id", "mean", "std_dev", "sample_count"], Baseline),
    ];

    /// <summary>The user of the transactions that the generator spoils.</summary>
    public const long UserId = 404_404_404_404;

    private const string Transaction =
        """{"user_id": 404404404404, "category_id": 7, "amount": 12.5, "idempotency_key": "k", "occurred_at": "2026-01-31T12:00:00Z", "note": "?"}""";

    private const string Baseline =
        """{"user_id": 5, "category_id": 7, "mean": 1, "std_dev": 1, "sample_count": 5, "note": "?"}""";

    /// <summary>Generates one bad request of any kind, for any route with a body.</summary>
    public static Gen<BadRequest> Any { get; } =
        from route in Gen.OneOf(s_routes)
        from spoilt in Spoilt(route.Item, route.Fields)
        from asLines in Gen.Bool
        select Wrap(route.Path, spoilt.Flaw, spoilt.Body, asLines && route.Path is "/api/transactions/batch" or "/api/stats");

    private static Gen<(string Flaw, byte[] Body)> Spoilt(string item, string[] fields) => Gen.Frequency(
        (3, from length in Gen.Int[0, item.Length - 1] select ("truncated", Bytes(item[..length]))),
        (2, from bytes in s_notUtf8 select ("not UTF-8", Splice(item, "?", bytes))),
        (2, from at in Gen.Int[0, item.Length - 1] select ("a NUL byte", Bytes(item.Insert(at, "\0")))),
        (2, from at in Gen.Int[0, item.Length]
            from text in Gen.OneOf("{", "}", "\"", ",,", "\\", "'", "//", "\uFEFF\uFEFF", "\u0001")
            where IsBreaking(item, at, text)
            select ("noise", Bytes(item.Insert(at, text)))),
        (2, from encoding in Gen.OneOf<Encoding>(Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32)
            from mark in Gen.Bool
            select ("another encoding", (byte[])[.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes(item)])),
        (4, from field in Gen.OneOf(fields)
            from value in s_wrongValue
            where IsWrong(field, value)
            select ("a wrong value", Bytes(WithValue(item, field, value)))),
        (2, from field in Gen.OneOf(fields)
            where field is not ("idempotency_key" or "occurred_at")
            select ("a missing field", Bytes(item.Replace($"\"{field}\"", "\"missing\"", StringComparison.Ordinal)))),
        (2, from field in Gen.OneOf(fields) select ("a field given twice", Bytes($"{item[..^1]}, {Member(item, field)}}}"))),
        (2, from deep in s_deep select ("deep nesting", Splice(item, "\"?\"", Bytes(deep)))),
        (1, from deep in s_deep select ("nothing but nesting", Bytes(deep))),
        (1, from rest in Gen.OneOf("{}", "1", "x", "]", "}", "\0") select ("more after the end", Bytes(item + rest))),
        (2, from bytes in Gen.Byte.Array[0, 300] select ("random bytes", bytes)),
        (1, from count in Gen.Int[1, 3] select ("too large", Bytes(item.PadRight((16 * MebiByte) + count)))));

    private static BadRequest Wrap(string path, string flaw, byte[] body, bool asLines)
    {
        bool isList = path is "/api/transactions/batch" or "/api/stats";
        byte[] whole = !isList || asLines || flaw == "random bytes" ? body : [.. "["u8, .. body, .. "]"u8];
        return new BadRequest(flaw, path == "/api/stats" ? "PUT" : "POST", path, asLines ? "application/x-ndjson" : "application/json", whole);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Splice(string item, string mark, byte[] bytes)
    {
        int at = item.IndexOf(mark, StringComparison.Ordinal);
        return [.. Bytes(item[..at]), .. bytes, .. Bytes(item[(at + mark.Length)..])];
    }

    private static string Member(string item, string field)
    {
        int start = item.IndexOf($"\"{field}\"", StringComparison.Ordinal);
        return item[start..item.IndexOf(", \"", start, StringComparison.Ordinal)];
    }

    private static string WithValue(string item, string field, string value) =>
        item.Replace(Member(item, field), $"\"{field}\": {value}", StringComparison.Ordinal);

    // Some of the values above are valid for some fields. This method leaves those out.
    private static bool IsWrong(string field, string value) => field switch
    {
        "idempotency_key" => !(value.StartsWith('"') && value.Length is > 2 and < 258) || value == "\"\\ud800\"",
        "mean" or "std_dev" => !IsFinite(value),
        "ids" => value is not ("[]" or "[\"x\"]"),
        "amount" => true,
        _ => true,
    };

    private static bool IsFinite(string value) =>
        double.TryParse(value.Trim('"'), System.Globalization.CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) && number >= 0;

    private static bool IsBreaking(string item, int at, string text)
    {
        try
        {
            System.Text.Json.JsonDocument.Parse(item.Insert(at, text));
            return false;
        }
        catch (System.Text.Json.JsonException)
        {
            return true;
        }
    }
}
