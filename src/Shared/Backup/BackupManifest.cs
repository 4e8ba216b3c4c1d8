using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Transactions;

namespace FinanceIngest.Backup;

/// <summary>What a backup says about itself.</summary>
/// <param name="CreatedAt">When the copying began (UTC): what was acknowledged before it is in the backup.</param>
/// <param name="SchemaVersion">The database's.</param>
/// <param name="KeyFingerprint">Fingerprint of the signing key under which its ids were issued; null: no worker has written it down yet.</param>
/// <param name="Files">Its files, in their order.</param>
public sealed partial record BackupManifest(DateTime CreatedAt, int SchemaVersion, string? KeyFingerprint, IReadOnlyList<BackupEntry> Files)
{
    private const string Format = "finance-ingest backup";
    private const int Version = 1;

    /// <summary>The manifest as JSON.</summary>
    internal byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            json.WriteString("created_at", Timestamp.ToText(CreatedAt));
            json.WriteNumber("schema_version", SchemaVersion);
            json.WriteString("key_fingerprint", KeyFingerprint);
            json.WriteStartArray("files");
            foreach (BackupEntry file in Files)
            {
                json.WriteStartObject();
                json.WriteString("name", file.Name);
                json.WriteNumber("bytes", file.Bytes);
                json.WriteString("sha256", file.Sha256);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a manifest.</summary>
    /// <exception cref="FormatException">The text is none, or one of a later program.</exception>
    internal static BackupManifest Parse(byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            if (root.GetProperty("format").GetString() != Format)
            {
                throw new FormatException("it has another format.");
            }

            int version = root.GetProperty("version").GetInt32();
            if (version != Version)
            {
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"it is of version {version}, which this program does not know."));
            }

            BackupEntry[] files =
            [
                .. root.GetProperty("files").EnumerateArray().Select(file => new BackupEntry(
                    file.GetProperty("name").GetString()!, file.GetProperty("bytes").GetInt64(), file.GetProperty("sha256").GetString()!)),
            ];
            return Timestamp.TryParseRfc3339(root.GetProperty("created_at").GetString(), out DateTime createdAt)
                && Array.TrueForAll(files, file => file.Bytes >= 0 && FileName().IsMatch(file.Name))
                && files.DistinctBy(file => file.Name).Count() == files.Length
                ? new BackupManifest(createdAt, root.GetProperty("schema_version").GetInt32(), root.GetProperty("key_fingerprint").GetString(), files)
                : throw new FormatException("its list of files is none.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException("its manifest can't be read.", e);
        }
    }

    // A name is a path in the data directory; nothing else may be written there, and nothing elsewhere.
    [GeneratedRegex(@"^(finance-ingest\.db|queue-[a-z0-9]+(-[a-z0-9]+)*\.db|id-signing\.key)\z")]
    private static partial Regex FileName();
}

/// <summary>A file of a backup.</summary>
/// <param name="Name">Its name in the data directory.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">The SHA-256 of its bytes, in lower-case hexadecimal digits.</param>
public sealed record BackupEntry(string Name, long Bytes, string Sha256);
