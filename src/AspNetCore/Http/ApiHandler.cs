namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Answers one request, or throws a <see cref="HypervisorException"/>, which becomes problem details.</summary>
internal delegate Task ApiHandler(ApiCall call);
