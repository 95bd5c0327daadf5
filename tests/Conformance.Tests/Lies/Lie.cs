namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <summary>The one rule that a driver breaks.</summary>
/// <param name="Check">The check that must find it.</param>
/// <param name="Base">The honest driver beneath.</param>
/// <param name="What">What the broken driver does.</param>
/// <param name="Answer">Answers a call: the honest answer, or another.</param>
internal sealed record Lie(string Check, LieBase Base, string What, Func<Call, object?> Answer);
