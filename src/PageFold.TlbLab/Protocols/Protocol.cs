namespace PageFold.TlbLab;

/// <summary>A mapping protocol as data: the steps of one cycle of mapping, using and unmapping an object.</summary>
/// <remarks>Immutable.</remarks>
public sealed class Protocol
{
    /// <summary>The maximum number of steps.</summary>
    public const int MaxSteps = 64;

    /// <param name="name">The name in tables and options.</param>
    /// <param name="description">A description in one line.</param>
    /// <param name="steps">The steps, in order.</param>
    /// <exception cref="ArgumentException">
    /// There is no step, or more than <see cref="MaxSteps"/>; a page is neither 0 nor 1; or windows of the processor and of the stock are
    /// mixed.
    /// </exception>
    public Protocol(string name, string description, IEnumerable<ProtocolStep> steps)
    {
        Name = name;
        Description = description;
        Steps = [.. steps];
        if (Steps.Count is 0 or > MaxSteps)
            throw new ArgumentException($"Protocol {name} has {Steps.Count} steps; 1 to {MaxSteps} are possible.", nameof(steps));
        if (TakesWindows && Steps.Any(step => step.Operation == Operation.WindowOfProcessor))
        {
            throw new ArgumentException(
                $"Protocol {name} takes windows from the stock and uses the processor's too; use one kind.", nameof(steps));
        }
        if (Steps.FirstOrDefault(step => step.Page is not (0 or 1)) is { Page: not 0 } wrong)
        {
            throw new ArgumentException(
                $"Protocol {name} does {wrong.Operation} to page {wrong.Page}; a window has pages 0 and 1.", nameof(steps));
        }
    }

    /// <summary>The name in tables and options.</summary>
    public string Name { get; }

    /// <summary>A description in one line.</summary>
    public string Description { get; }

    /// <summary>The steps of one cycle.</summary>
    public IReadOnlyList<ProtocolStep> Steps { get; }

    /// <summary>True if windows are taken from a common stock; otherwise each processor has its own.</summary>
    public bool TakesWindows => Steps.Any(step => step.Operation == Operation.TakeWindow);

    /// <summary>True if objects are copied into buffers and there are no windows.</summary>
    public bool Copies => Steps.Any(step => step.Operation is Operation.CopyIn or Operation.AccessCopy or Operation.CopyOut);

    /// <summary>The protocol without some of its steps.</summary>
    public Protocol Without(params IEnumerable<int> steps)
    {
        HashSet<int> left = [.. steps];
        string removed = string.Join(" and ", left.Order().Select(step => Steps[step]));
        return new Protocol($"{Name} without {removed}", Description, Steps.Where((_, index) => !left.Contains(index)));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
