using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using FinanceIngest.Detection;
using FinanceIngest.Transactions;

namespace FinanceIngest.Commands;

/// <summary>A command as the inbound queue carries it: <c>{"id", "kind", "accepted_at", …}</c>.</summary>
internal static class CommandJson
{
    private const string Feedback = "feedback";
    private const string Withdraw = "withdraw";
    private const string Sensitivity = "sensitivity";
    private const string EraseUser = "erase_user";
    private const string Destination = "destination";
    private const string RemoveDestination = "remove_destination";

    private static readonly string[] s_kinds = [Feedback, Withdraw, Sensitivity, EraseUser, Destination, RemoveDestination];
    private static readonly string[] s_verdicts = [.. CommandNames.Verdicts, CommandNames.None];
    private static readonly string[] s_levels = [.. CommandNames.Levels, CommandNames.None];

    /// <summary>The command as JSON in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Write(Command command)
    {
        var json = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(json);
        writer.WriteStartObject();
        writer.WriteString("id", command.Id);
        writer.WriteString("kind", KindOf(command));
        writer.WriteString("accepted_at", Timestamp.ToText(command.AcceptedAt));
        switch (command)
        {
            case FeedbackCommand feedback:
                writer.WriteString("transaction_id", feedback.TransactionId);
                writer.WriteString("verdict", feedback.Verdict is { } verdict ? CommandNames.Of(verdict) : CommandNames.None);
                break;
            case WithdrawCommand withdrawal:
                writer.WriteString("transaction_id", withdrawal.TransactionId);
                break;
            case SensitivityCommand sensitivity:
                WriteSensitivity(writer, sensitivity);
                break;
            case EraseUserCommand erasure:
                writer.WriteNumber("user_id", erasure.UserId);
                break;
            case DestinationCommand destination:
                writer.WriteNumber("user_id", destination.UserId);
                writer.WritePropertyName("destination");
                writer.WriteRawValue(destination.Destination, skipInputValidation: true);
                break;
            case RemoveDestinationCommand removal:
                writer.WriteNumber("user_id", removal.UserId);
                writer.WriteString("destination_id", removal.DestinationId);
                break;
        }

        writer.WriteEndObject();
        writer.Flush();
        return json.WrittenMemory;
    }

    /// <summary>Reads a command; false where it is none that this program knows. No JSON makes it throw.</summary>
    /// <param name="value">Any JSON value.</param>
    /// <param name="ids">Tells whether the transaction that a command names was issued by this installation.</param>
    /// <param name="command">The command.</param>
    /// <param name="errors">What is wrong, on one line.</param>
    public static bool TryRead(JsonElement value, IdCertifier ids, [NotNullWhen(true)] out Command? command, out string errors)
    {
        var fields = new CommandFields(value);
        Guid? id = fields.Uuid("id", isRequired: true);
        DateTime? acceptedAt = fields.Time("accepted_at", isRequired: true);
        string? kind = fields.Word("kind", s_kinds, isRequired: true);
        Func<Guid, DateTime, Command>? make = kind is null ? null : Read(kind, fields, ids);
        command = make is not null && fields.Errors.IsEmpty ? make(id!.Value, acceptedAt!.Value) : null;
        errors = fields.Errors.ToString();
        return command is not null;
    }

    private static string KindOf(Command command) => command switch
    {
        FeedbackCommand => Feedback,
        WithdrawCommand => Withdraw,
        SensitivityCommand => Sensitivity,
        EraseUserCommand => EraseUser,
        DestinationCommand => Destination,
        RemoveDestinationCommand => RemoveDestination,
        _ => throw new ArgumentException($"{command.GetType().Name} is no command that a message carries.", nameof(command)),
    };

    // The fields are read before it is known whether all of them are fine: so that each that is wrong is named.
    private static Func<Guid, DateTime, Command> Read(string kind, CommandFields fields, IdCertifier ids)
    {
        switch (kind)
        {
            case Feedback:
                {
                    Guid? transaction = IssuedId(fields, ids);
                    FeedbackVerdict? verdict = CommandNames.ToVerdict(fields.Word("verdict", s_verdicts, isRequired: true));
                    return (id, acceptedAt) => new FeedbackCommand(id, acceptedAt, transaction!.Value, verdict);
                }

            case Withdraw:
                {
                    Guid? transaction = IssuedId(fields, ids);
                    return (id, acceptedAt) => new WithdrawCommand(id, acceptedAt, transaction!.Value);
                }

            case Sensitivity:
                {
                    (long? user, long? category) = (fields.Number("user_id"), fields.Number("category_id"));
                    AlertLevel? level = CommandNames.ToLevel(fields.Word("level", s_levels, isRequired: true));
                    (Money? minimum, DateTime? until) = (fields.Amount("minimum_amount"), fields.Time("until"));
                    return (id, acceptedAt) => new SensitivityCommand(id, acceptedAt, user, category, level, minimum, until);
                }

            case EraseUser:
                {
                    long? user = fields.Number("user_id", isRequired: true);
                    return (id, acceptedAt) => new EraseUserCommand(id, acceptedAt, user!.Value);
                }

            case Destination:
                {
                    long? user = fields.Number("user_id", isRequired: true);
                    string? destination = fields.Object("destination", DestinationCommand.LongestDestination);
                    return (id, acceptedAt) => new DestinationCommand(id, acceptedAt, user!.Value, destination!);
                }

            default:
                {
                    long? user = fields.Number("user_id", isRequired: true);
                    Guid? destination = fields.Uuid("destination_id", isRequired: true);
                    return (id, acceptedAt) => new RemoveDestinationCommand(id, acceptedAt, user!.Value, destination!.Value);
                }
        }
    }

    // A verdict under an id that was never issued would wait for ever.
    private static Guid? IssuedId(CommandFields fields, IdCertifier ids)
    {
        Guid? id = fields.Uuid("transaction_id", isRequired: true);
        if (id is { } given && !ids.IsIssued(given))
        {
            fields.Errors.Add("transaction_id", "was not issued by this installation");
        }

        return id;
    }

    private static void WriteSensitivity(Utf8JsonWriter writer, SensitivityCommand sensitivity)
    {
        if (sensitivity.UserId is { } user)
        {
            writer.WriteNumber("user_id", user);
        }

        if (sensitivity.CategoryId is { } category)
        {
            writer.WriteNumber("category_id", category);
        }

        writer.WriteString("level", sensitivity.Level is { } level ? CommandNames.Of(level) : CommandNames.None);
        if (sensitivity.MinimumAmount is { } minimum)
        {
            writer.WritePropertyName("minimum_amount");
            writer.WriteRawValue(minimum.ToString(), skipInputValidation: true);
        }

        if (sensitivity.Until is { } until)
        {
            writer.WriteString("until", Timestamp.ToText(until));
        }
    }
}
