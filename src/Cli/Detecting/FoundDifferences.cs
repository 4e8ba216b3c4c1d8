using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Detecting;

/// <summary>Takes the users whose states differ from their rows: as text they are written as they are found, for JSON they are kept.</summary>
/// <param name="report">Writes the text.</param>
/// <param name="mostUsers">Users that are kept at most.</param>
internal sealed class FoundDifferences(Report report, int mostUsers)
{
    private readonly List<(long UserId, IReadOnlyList<string> Lines)> _kept = [];

    /// <summary>Takes a user.</summary>
    public void Add(long userId, IReadOnlyList<string> lines)
    {
        if (!report.Json)
        {
            foreach (string line in lines)
            {
                report.WriteLine(string.Create(CultureInfo.InvariantCulture, $"user {userId}: {line}"));
            }
        }
        else if (_kept.Count < mostUsers)
        {
            _kept.Add((userId, lines));
        }
    }

    /// <summary>Writes the field <c>differences</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("differences");
        foreach ((long userId, IReadOnlyList<string> lines) in _kept)
        {
            json.WriteStartObject();
            json.WriteNumber("user_id", userId);
            json.WriteStartArray("lines");
            foreach (string line in lines)
            {
                json.WriteStringValue(line);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
