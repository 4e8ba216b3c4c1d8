namespace FinanceIngest.DetectionBench.Data;

/// <summary>A row of a file.</summary>
/// <param name="Row">Its number among the file's transactions, from 0.</param>
/// <param name="User">The user.</param>
/// <param name="Category">The category.</param>
/// <param name="At">When it occurred, UTC.</param>
/// <param name="Amount">The amount.</param>
/// <param name="Label">What the file says of it, which no detector reads; 0: genuine, or the file says nothing.</param>
internal readonly record struct Payment(int Row, long User, long Category, DateTime At, double Amount, int Label)
{
    /// <summary>Whether a detector of amounts should find it: a large amount, or one of a compromised card.</summary>
    public bool IsBad => Label is 1 or 3;
}
