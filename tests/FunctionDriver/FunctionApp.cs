using System.Text.Json;

namespace FinanceIngest.FunctionDriver;

/// <summary>A function app on disk: its program, and the files beside it that a Functions host reads.</summary>
internal sealed class FunctionApp
{
    private static readonly JsonDocumentOptions s_lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private FunctionApp(string program)
    {
        Program = program;
        Folder = Path.GetDirectoryName(program)!;
    }

    /// <summary>The full path of the dll that <c>dotnet</c> runs.</summary>
    public string Program { get; }

    /// <summary>The full path of the folder that holds the program.</summary>
    public string Folder { get; }

    /// <summary>Opens an app by its folder, whose worker.config.json names the program, or by the program's path.</summary>
    /// <exception cref="FileNotFoundException">The program, or a file that the host needs, is missing.</exception>
    public static FunctionApp At(string path)
    {
        string full = Path.GetFullPath(path);
        var app = new FunctionApp(Directory.Exists(full) ? Path.Combine(full, ProgramIn(full)) : full);
        Demand(app.Program);
        Demand(Path.Combine(app.Folder, "host.json"));
        return app;
    }

    /// <summary>Returns the prefix of every route: <c>extensions.http.routePrefix</c> of host.json, or <c>api</c> when host.json does not set it.</summary>
    public string RoutePrefix()
    {
        using JsonDocument host = Read("host.json");
        JsonElement at = host.RootElement;
        foreach (string name in new[] { "extensions", "http", "routePrefix" })
        {
            if (!at.TryGetProperty(name, out at))
            {
                return "api";
            }
        }

        return at.GetString() ?? "";
    }

    /// <summary>Returns the <c>Values</c> of local.settings.json; none when there is no such file.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> LocalSettings()
    {
        if (!File.Exists(Path.Combine(Folder, "local.settings.json")))
        {
            return [];
        }

        using JsonDocument settings = Read("local.settings.json");
        return settings.RootElement.TryGetProperty("Values", out JsonElement values)
            ? [.. values.EnumerateObject().Select(value => KeyValuePair.Create(value.Name, value.Value.ToString()))]
            : [];
    }

    private static string ProgramIn(string folder)
    {
        string file = Path.Combine(folder, "worker.config.json");
        Demand(file);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(file), s_lenient);
        return config.RootElement.GetProperty("description").GetProperty("defaultWorkerPath").GetString()!;
    }

    private static void Demand(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"{file} is missing.");
        }
    }

    private JsonDocument Read(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, name)), s_lenient);
}
