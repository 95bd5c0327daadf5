namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>Generates sequences: the same seed, the same sequences, on every machine and runtime.</summary>
internal sealed class SequenceGenerator(int seed)
{
    private ulong _state = (ulong)(uint)seed * 0x9E3779B97F4A7C15UL + 1;

    /// <summary>A sequence of the operations that a backend has.</summary>
    public IReadOnlyList<ModelStep> Next(int steps, IReadOnlyList<ModelOperation> operations)
    {
        var sequence = new List<ModelStep>(steps);
        var model = Enumerable.Range(0, ModelStep.Slots).Select(_ => new ModelInstance()).ToArray();
        while (sequence.Count < steps)
        {
            int slot = Below(ModelStep.Slots);
            // Mostly on what is there: sequences of refusals find little.
            var operation = !model[slot].Exists && Below(4) > 0 ? ModelOperation.Create : operations[Below(operations.Count)];
            if (operation == ModelOperation.CreateAgain && !(model[slot].WasCreated && model[slot].Exists))
                continue;
            if (operation != ModelOperation.CreateAgain)
                model[slot].Take(operation);
            sequence.Add(new ModelStep(operation, slot));
        }

        return sequence;
    }

    // splitmix64: a few lines whose sequence is the same everywhere, which Random does not promise.
    private int Below(int bound)
    {
        ulong z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return (int)((z ^ (z >> 31)) % (uint)bound);
    }
}
