using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>Sends requests as they are written here, line by line: HttpClient joins or corrects what a proxy or a careless client may send.</summary>
internal static class RawRequest
{
    /// <summary>Posts JSON and returns the status and the body of the answer.</summary>
    /// <param name="client">Names the head and the key.</param>
    /// <param name="path">The path with its query.</param>
    /// <param name="json">The body.</param>
    /// <param name="headers">
    /// Lines beyond <c>Host</c>, the key and <c>Connection</c>. <c>Content-Type</c> and <c>Content-Length</c> are added unless they are among them.
    /// </param>
    public static async Task<(int Status, string Body)> PostAsync(ApiClient client, string path, string json, params string[] headers)
    {
        List<string> lines = [$"POST {path} HTTP/1.1", $"Host: {client.Address.Authority}", "Connection: close", .. headers];
        if (client.Key is not null)
        {
            lines.Add($"x-functions-key: {client.Key}");
        }

        AddUnlessGiven(lines, "Content-Type", "application/json");
        AddUnlessGiven(lines, "Content-Length", Encoding.UTF8.GetByteCount(json).ToString(CultureInfo.InvariantCulture));
        using var connection = new TcpClient();
        await connection.ConnectAsync(client.Address.Host, client.Address.Port, TestContext.Current.CancellationToken);
        await using NetworkStream stream = connection.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(string.Join("\r\n", lines) + "\r\n\r\n" + json), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        string answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(answer.Split(' ')[1], CultureInfo.InvariantCulture), answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
    }

    private static void AddUnlessGiven(List<string> lines, string name, string value)
    {
        if (!lines.Exists(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)))
        {
            lines.Add($"{name}: {value}");
        }
    }
}
