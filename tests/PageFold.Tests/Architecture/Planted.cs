#pragma warning disable CA1812, CA1852, CA1823, IDE0044, IDE0051, IDE0052, CS0169, SA1402 // planted to be found, not to be used

namespace PageFold.Planted;

[InAttribute]
internal sealed class Ground
{
    private readonly InField? _field;
    private readonly List<InGenericArgument[]> _list = [];

    public static InSignature? Signature() => null;

    public static int Body() => InBody.Value;

    public static Func<int> Closure(int by) => () => by + InClosure.Value;

    public static IEnumerable<int> Iterate()
    {
        yield return InIterator.Value;
    }
}

internal sealed class InField;

internal sealed class InGenericArgument;

internal sealed class InSignature;

[AttributeUsage(AttributeTargets.Class)]
internal sealed class InAttributeAttribute : Attribute;

internal static class InBody
{
    public static int Value => Environment.ProcessorCount;
}

internal static class InClosure
{
    public static int Value => Environment.ProcessorCount;
}

internal static class InIterator
{
    public static int Value => Environment.ProcessorCount;
}
