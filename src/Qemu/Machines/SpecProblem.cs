namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Refusals of what a request says, before anything is done.</summary>
internal static class SpecProblem
{
    public static HypervisorException Invalid(string field, string problem) => Refused(field, problem, ErrorCode.InvalidArgument);

    public static HypervisorException Unsupported(string field, string problem) => Refused(field, problem, ErrorCode.Unsupported);

    private static HypervisorException Refused(string field, string problem, ErrorCode code) =>
        new($"The request is not acceptable: {field}: {problem}.", code, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [field] = problem } };
}
