using System.Collections.Concurrent;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>Which procedures a real daemon has answered, and in which test: first with a result, else with an error of its own.</summary>
internal sealed class ProcedureTable
{
    private readonly ConcurrentDictionary<(uint Program, int Number), (bool IsError, string Test)> _answered = new();

    public int Count => _answered.Count;

    public void Add(uint program, int number, bool isError, string test) =>
        _answered.AddOrUpdate((program, number), (isError, test), (_, known) => known.IsError && !isError ? (isError, test) : known);

    /// <summary>Writes the table where the reports of the tests are, and says how long it is.</summary>
    public void Save()
    {
        if (_answered.IsEmpty)
            return;
        var known = RemoteProcedures.All.Concat(QemuProcedures.All).Concat(AdminProcedures.All).ToList();
        string path = Repository.PathOf("artifacts", "libvirt-procedures.tsv");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, known.Select(procedure => _answered.TryGetValue((procedure.Program, procedure.Number), out var answer)
            ? $"{procedure.Name}\t{(answer.IsError ? "error" : "result")}\t{answer.Test}" : $"{procedure.Name}\t-\t-"));
        int results = _answered.Values.Count(answer => !answer.IsError);
        Console.WriteLine($"libvirt procedures that a real daemon answered: {results} with a result, {_answered.Count - results} with an error of its own, of {known.Count}: {path}");
    }
}
