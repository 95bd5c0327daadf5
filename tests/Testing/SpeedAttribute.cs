using Xunit.v3;

namespace Hypervisor.Sdk.Testing;

/// <summary>
/// Says that this test takes its time. <c>./test --quick</c> leaves <see cref="Slow"/> out; <see cref="Full"/> runs with <c>./test --full</c> only. A test without it
/// is expected to be done within a few seconds.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class SpeedAttribute(string value) : Attribute, ITraitAttribute
{
    /// <summary>Takes more than about five seconds: not in <c>./test --quick</c>.</summary>
    public const string Slow = "slow";

    /// <summary>Takes minutes: only in <c>./test --full</c>.</summary>
    public const string Full = "full";

    /// <summary><see cref="Slow"/> or <see cref="Full"/>.</summary>
    public string Value { get; } = value is Slow or Full ? value : throw new ArgumentException($"A test is '{Slow}' or '{Full}', not '{value}'.", nameof(value));

    /// <inheritdoc />
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Speed", Value)];
}
