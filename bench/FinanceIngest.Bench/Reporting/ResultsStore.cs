using System.Text.Json;

namespace FinanceIngest.Bench.Reporting;

/// <summary>Keeps the latest section of each benchmark in <c>bench/artifacts/NAME.json</c>, which is not under version control.</summary>
internal static class ResultsStore
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private static string Folder => Path.Combine(Repository.Root, "bench", "artifacts");

    public static void Save(Section section)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, $"{section.Name}.json"), JsonSerializer.Serialize(section, s_json));
    }

    public static Section? Load(string name)
    {
        string path = Path.Combine(Folder, $"{name}.json");
        return File.Exists(path) ? JsonSerializer.Deserialize<Section>(File.ReadAllText(path)) : null;
    }
}
