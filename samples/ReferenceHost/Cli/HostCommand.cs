namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the program was asked to do.</summary>
internal enum HostCommand
{
    Run,
    Prepare,
    Token,
    Stop,
    Reset,
    Help,
}
