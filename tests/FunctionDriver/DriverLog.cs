namespace FinanceIngest.FunctionDriver;

/// <summary>Lines on standard error. Standard output stays empty.</summary>
internal static class DriverLog
{
    public static void Write(string message) => Console.Error.WriteLine(message);
}
