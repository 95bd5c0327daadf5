namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the program was asked to do.</summary>
internal enum HostCommand
{
    Run,
    Token,
    Stop,
    Reset,
    Help,
}
