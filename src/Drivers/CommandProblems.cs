namespace Hypervisor.Sdk.Drivers;

/// <summary>What is wrong with a command for any guest. A driver adds what its own way of running commands cannot do, and refuses all of it at once.</summary>
public static class CommandProblems
{
    /// <summary>Looks at a command: the program, arguments, names of variables, the bound of the output, and secrets, which no guest resolves.</summary>
    /// <param name="spec">The command.</param>
    /// <param name="whyNoSecrets">Who would pass a secret on, for the message.</param>
    /// <returns>The problems by field; empty when there are none.</returns>
    public static Dictionary<string, string> Of(CommandSpec spec, string whyNoSecrets)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        if (spec.Command.Count == 0 || spec.Command[0].Length == 0)
            problems["command"] = "The program is missing.";
        if (spec.Command.Any(argument => argument.Contains('\0', StringComparison.Ordinal)))
            problems["command"] = "An argument contains a NUL character.";
        if (spec.MaxOutputBytes < 0)
            problems["maxOutputBytes"] = $"{spec.MaxOutputBytes} is negative.";
        foreach (var (name, value) in spec.Environment)
        {
            if (name.Length == 0 || name.Contains('=', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                problems["environment"] = $"'{name.Replace('\0', '?')}' is not the name of a variable.";
            else if (value.IsSecret)
                problems["environment"] = $"'{name}' is a reference to a secret: resolve it before the call; {whyNoSecrets}.";
            else if (value.TryGetText(out string? text) && text.Contains('\0', StringComparison.Ordinal))
                problems["environment"] = $"The value of '{name}' contains a NUL character.";
        }

        return problems;
    }

    /// <summary>Refuses a command that has problems, before anything is sent.</summary>
    /// <param name="problems">What is wrong, by field.</param>
    /// <param name="backend">The backend that refuses.</param>
    /// <exception cref="HypervisorException">There are some (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static void Refuse(IReadOnlyDictionary<string, string> problems, BackendName backend)
    {
        ArgumentNullException.ThrowIfNull(problems);
        if (problems.Count > 0)
            throw new HypervisorException(string.Join(' ', problems.Select(problem => $"{problem.Key}: {problem.Value}")), ErrorCode.InvalidArgument, RequestOutcome.NotSent) { Backend = backend, FieldErrors = problems };
    }
}
