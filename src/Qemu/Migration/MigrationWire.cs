using System.Text.Json.Serialization;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>The words of what two sides of a move say to each other on a channel.</summary>
internal static class MigrationWords
{
    /// <summary>The channel on which one side calls the other: a call, its answer, the next call. Its version is in its name, so that two releases never misunderstand each other.</summary>
    public const string Calls = "qemu-migration-1";

    /// <summary>The channel that leads to a socket of a QEMU which takes a guest in; the machine and the socket are its greeting.</summary>
    public const string Bytes = "qemu-migration-bytes-1";

    /// <summary>Ends the wait of the call before; it is answered all the same.</summary>
    public const string Cancel = "cancel";

    public const string Ask = "ask";
    public const string FindWaiting = "find-waiting";
    public const string Settle = "settle";
    public const string Judge = "judge";
    public const string GiveBack = "give-back";
    public const string Hold = "hold";

    // Of the machine that is held.
    public const string Prepare = "prepare";
    public const string IsComing = "is-coming";
    public const string ListenForDisks = "listen-for-disks";
    public const string CloseDisks = "close-disks";
    public const string Listen = "listen";
    public const string ListenAgain = "listen-again";
    public const string HasCome = "has-come";
    public const string IsUp = "is-up";
    public const string Await = "await";
    public const string AwaitRest = "await-rest";
    public const string LetGo = "let-go";
    public const string Kill = "kill";
    public const string Take = "take";
    public const string View = "view";
    public const string Drop = "drop";
}

/// <summary>A call; what belongs to its word is set.</summary>
internal sealed record MigrationCall
{
    public required string Word { get; init; }

    public string? Id { get; init; }

    public Guid? Migration { get; init; }

    public string? Identity { get; init; }

    public MigrationQuestion? Question { get; init; }

    public MigrationVerdict? Verdict { get; init; }

    public MigrationArrival? Arrival { get; init; }

    public JournalError? Reason { get; init; }

    public string? Text { get; init; }

    public bool Flag { get; init; }
}

/// <summary>The answer to a call; what belongs to its word is set.</summary>
internal sealed record MigrationReply
{
    public JournalError? Error { get; init; }

    public bool IsCancelled { get; init; }

    public MigrationAnswer? Answer { get; init; }

    public MigrationVerdict? Verdict { get; init; }

    public MigrationStanding? Standing { get; init; }

    public Guid? Migration { get; init; }

    public MigrationWay? Way { get; init; }

    public MigrationDiskWay? DiskWay { get; init; }

    /// <summary>Why the guest does not go on.</summary>
    public JournalError? Failure { get; init; }

    /// <summary>The machine, in the model's own form.</summary>
    public byte[]? Instance { get; init; }

    public string? Text { get; init; }

    public bool Flag { get; init; }
}

/// <summary>The greeting of <see cref="MigrationWords.Bytes"/>.</summary>
internal sealed record MigrationSocket
{
    public required string Id { get; init; }

    public required string Name { get; init; }
}

/// <summary>How they are written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true,
    Converters = [typeof(QemuMachineConverter), typeof(StoredSizeConverter)])]
[JsonSerializable(typeof(MigrationCall))]
[JsonSerializable(typeof(MigrationReply))]
[JsonSerializable(typeof(MigrationSocket))]
[JsonSerializable(typeof(QemuMachineForm))]
[JsonSerializable(typeof(CloudInitData))]
internal sealed partial class MigrationJson : JsonSerializerContext;
