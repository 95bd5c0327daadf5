using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Jobs;

/// <summary>Where the keys come from by which arguments and results are encrypted at rest; see <see cref="JobsBuilder.EncryptPayloads"/>. Called from several threads, for each job: it answers from memory.</summary>
public interface IJobKeys
{
    /// <summary>The id of the key that is written with now: 1 to 64 letters, digits, <c>-</c>, <c>_</c> or <c>.</c>; it stands beside what was encrypted.</summary>
    string CurrentId { get; }

    /// <summary>A key: 32 bytes. Keys are kept as long as something may be there that was written with them.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="key">It, where it is known here.</param>
    /// <returns>False where it is not.</returns>
    bool TryGet(string id, [NotNullWhen(true)] out Secret? key);
}
