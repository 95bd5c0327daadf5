namespace Hypervisor.Sdk.Drivers;

/// <summary>The words of <see cref="ContainerSpec.RestartPolicy"/> where a backend starts an instance when it starts itself, or does not, and knows nothing between.</summary>
public static class RestartPolicies
{
    /// <summary>It is started when the backend starts, whatever it was before.</summary>
    public const string AutoStart = "autostart";

    /// <summary>It is not.</summary>
    public const string Never = "never";

    /// <summary>What a policy asks for; null where it leaves it to the backend.</summary>
    /// <param name="policy">The word; null for none.</param>
    /// <exception cref="HypervisorException">It is another word (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static bool? IsAutoStarted(string? policy) => policy switch
    {
        null => null,
        AutoStart => true,
        Never => false,
        _ => throw Refusal.Invalid("restartPolicy", $"'{policy}' is neither '{AutoStart}', with the server, nor '{Never}'."),
    };
}
