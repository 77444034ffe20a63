#pragma warning disable CA1812, CA1852, CA1823, IDE0044, IDE0051, IDE0052, CS0169, SA1402 // planted to be found, not to be used

namespace PageFold.Planted;

[InAttribute]
internal sealed unsafe class Ground
{
    private delegate*<InFunctionPointer*, void> _call = null;

    private readonly InField? _field;
    private readonly List<InGenericArgument[]> _list = [];

    public static InSignature? Signature() => null;

    [InAttribute(Types = [typeof(InNamedArgument)])]
    public static int Property => 0;

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

internal struct InFunctionPointer;

internal sealed class InNamedArgument;

[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property)]
internal sealed class InAttributeAttribute : Attribute
{
    public Type[] Types { get; set; } = [];
}

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
