// The reference host: virtual machines of this computer over REST, WebSocket and a web page. Copy what you need; this file is the whole composition.
using Hypervisor.Sdk.ReferenceHost;

return await Commands.RunAsync(args, (options, state) => Composition.Build(options, state));
