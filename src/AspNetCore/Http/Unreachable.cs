using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What a list over several backends is missing, and why.</summary>
internal static class Unreachable
{
    public static HypervisorException Backend(BackendName name, HypervisorException failure) => failure.Backend is not null
        ? failure
        : new(failure.Message, failure.Code, failure.Outcome, failure) { Backend = name, Resource = failure.Resource, BackendCode = failure.BackendCode, BackendMessage = failure.BackendMessage };

    public static HypervisorException Late(BackendName name, TimeSpan after) =>
        new($"Backend '{name}' did not answer within {after.TotalSeconds:0.#} seconds.", ErrorCode.Timeout, RequestOutcome.Unknown) { Backend = name };

    public static void Write(Utf8JsonWriter writer, IReadOnlyCollection<HypervisorException> failures)
    {
        if (failures.Count == 0)
            return;
        writer.WriteStartArray("unreachable");
        foreach (var failure in failures)
            ProblemDocument.Write(writer, failure);
        writer.WriteEndArray();
    }
}
