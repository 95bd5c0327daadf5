using System.Collections.Concurrent;

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>Which operations a real server has answered, and in which test: first with a result, else with an error of its own.</summary>
internal sealed class OperationTable
{
    private readonly ConcurrentDictionary<(string Server, string Operation), (bool IsError, string Test)> _answered = new();

    /// <summary>Writes down what this client is answered.</summary>
    public void Watch(LxdClient client)
    {
        string server = client.IsIncus ? "Incus" : "LXD";
        client.Answered = (operation, isError) =>
        {
            string test = TestContext.Current.TestMethod is { } method ? $"{method.TestClass.TestClassSimpleName}.{method.MethodName}" : "";
            _answered.AddOrUpdate((server, operation.Name), (isError, test), (_, known) => known.IsError && !isError ? (isError, test) : known);
        };
    }

    /// <summary>Writes the table where the reports of the tests are, and says how long it is.</summary>
    public void Save()
    {
        if (_answered.IsEmpty)
            return;
        string path = Repository.PathOf("artifacts", "lxd-operations.tsv");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string[] servers = ["LXD", "Incus"];
        File.WriteAllLines(path, servers.SelectMany(server => Known(server).Select(operation => _answered.TryGetValue((server, operation.Name), out var answer)
            ? $"{server}\t{operation}\t{(answer.IsError ? "error" : "result")}\t{answer.Test}" : $"{server}\t{operation}\t-\t-")));
        foreach (string server in servers)
        {
            var answers = _answered.Where(answer => answer.Key.Server == server).ToList();
            int results = answers.Count(answer => !answer.Value.IsError);
            Console.WriteLine($"operations that a real {server} answered: {results} with a result, {answers.Count - results} with an error of its own, of {Known(server).Count()}: {path}");
        }
    }

    private static IEnumerable<LxdApiOperation> Known(string server) => LxdApi.All.Where(operation => server == "Incus" || !operation.IsIncusOnly);
}
