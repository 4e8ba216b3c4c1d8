namespace FinanceIngest.Ground;

/// <summary>
/// The rests of long work that goes on beside workers: after each piece, as long as the piece took. Half of the time is thus the workers', however fast the
/// machine is.
/// </summary>
public static class BulkPace
{
    /// <summary>The longest rest. A piece takes longer only where something else was in its way.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>Rests after a piece of work.</summary>
    /// <param name="time">The clock of the piece and of the rest.</param>
    /// <param name="began">
    /// The time stamp (<see cref="TimeProvider.GetTimestamp"/>) at which the piece began; taken after a wait for the database's lock where the caller can tell,
    /// so that a rest does not grow with the wait.
    /// </param>
    /// <param name="cancellationToken">Ends the rest.</param>
    /// <exception cref="OperationCanceledException">The rest was ended.</exception>
    public static Task RestAsync(TimeProvider time, long began, CancellationToken cancellationToken)
    {
        TimeSpan took = time.GetElapsedTime(began);
        return Task.Delay(took < Longest ? took : Longest, time, cancellationToken);
    }
}
