using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Allocation;

/// <summary>
/// Exceptions of the heap. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class HeapThrow
{
    public static void IfChainInvalid(int chain, string option)
    {
        if (chain is < 1 or > SizeClasses.DefaultMaxChain)
            throw new ArgumentOutOfRangeException(option, chain, $"{option} is {chain}; choose 1 to {SizeClasses.DefaultMaxChain} frames.");
    }

    [DoesNotReturn]
    public static void HeapIsCorrupt(uint zspage, int index) =>
        throw new InvalidOperationException($"Object {index} of zspage {zspage} is free already: the heap's own records are damaged.");

    public static InvalidOperationException TooManyPools(int most) =>
        new($"{most} pools are open, the most there can be at once; dispose some.");
}
