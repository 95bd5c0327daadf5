namespace Hypervisor.Sdk.Qemu.State;

/// <summary>A line of a machine's journal: an operation begins or ends.</summary>
internal sealed record JournalEntry
{
    /// <summary>The number of the operation within its machine.</summary>
    public required long Operation { get; init; }

    /// <summary>Null: it begins. Else how it ended: <c>succeeded</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public string? Outcome { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>What it does: <c>create</c>, <c>start</c>. Of a beginning.</summary>
    public string? Kind { get; init; }

    /// <summary>Whose wish it is. Of a beginning.</summary>
    public Guid? Request { get; init; }

    /// <summary>The caller's fencing token. Of a beginning.</summary>
    public long? FencingToken { get; init; }

    /// <summary>What recovery must know to finish or undo it; the operation's own form. Of a beginning.</summary>
    public string? Intent { get; init; }

    /// <summary>Why it failed.</summary>
    public JournalError? Error { get; init; }
}

/// <summary>A failure as a journal keeps it.</summary>
internal sealed record JournalError
{
    public required string Message { get; init; }

    public required string Code { get; init; }

    public required RequestOutcome Outcome { get; init; }

    public string? BackendCode { get; init; }

    public string? BackendMessage { get; init; }

    public static JournalError Of(HypervisorException error) => new()
    {
        Message = error.Message,
        Code = error.Code.ToString(),
        Outcome = error.Outcome,
        BackendCode = error.BackendCode,
        BackendMessage = error.BackendMessage is { Length: > 2048 } words ? words[^2048..] : error.BackendMessage,
    };

    public HypervisorException ToException() => new(Message, ErrorCode.TryParse(Code, null, out var code) ? code : ErrorCode.Unspecified, Outcome) { BackendCode = BackendCode, BackendMessage = BackendMessage };
}
