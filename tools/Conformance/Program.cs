// Checks a live endpoint. See --help.
using Hypervisor.Sdk.Conformance.Tool;

var parsed = ConformanceCommand.Create(Console.Out, Console.Error).Parse(args);
int code = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? ConformanceCommand.WrongUse : code;
