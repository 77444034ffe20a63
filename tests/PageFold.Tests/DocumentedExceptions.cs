using System.Reflection;
using System.Xml.Linq;

namespace PageFold.Tests;

/// <summary>
/// The exceptions that an assembly's documentation promises, beside those that calls with all kinds of arguments throw. Arguments are tried
/// one after the other: each parameter with every value of its type while the others keep their first, which is meant to be fine.
/// </summary>
/// <param name="assemblies">The assembly, and those that its documentation inherits from; each has its documentation beside it.</param>
/// <param name="values">Values by parameter type, the usual one first; a type without values has its default alone.</param>
internal sealed class DocumentedExceptions(Assembly[] assemblies, IReadOnlyDictionary<Type, object?[]> values)
{
    private readonly Dictionary<string, XElement> _members = assemblies
        .SelectMany(assembly => XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
        // A file that is compiled into several assemblies is documented in each.
        .DistinctBy(member => member.Attribute("name")!.Value)
        .ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>
    /// What is thrown and not documented, one line each: calls of all public members of a type that take and return no span.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="make">Makes an instance for a call; null for static members and constructors alone.</param>
    /// <param name="around">
    /// Carries a call of an instance's member out, on a thread and at a moment of its choice; null to just call.
    /// </param>
    public IEnumerable<string> Missing(Type type, Func<object>? make, Action<object, Action>? around = null)
    {
        const BindingFlags Own = BindingFlags.Public | BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static;
        foreach (MethodBase method in type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors()))
        {
            bool isCallable = !method.GetParameters().Any(parameter =>
                parameter.ParameterType.IsByRefLike || parameter.ParameterType.IsByRef
                && parameter.ParameterType.GetElementType()!.IsByRefLike) && method is not MethodInfo { ReturnType.IsByRefLike: true };
            if (!isCallable || method.IsAbstract || !method.IsStatic && method is MethodInfo && make is null
                || method.Name is "Equals" or "GetHashCode" or "ToString" or "Dispose" or "<Clone>$"
                    || method.Name.StartsWith("op_", StringComparison.Ordinal)
                || method.IsSpecialName && !method.IsConstructor && !method.Name.StartsWith("get_", StringComparison.Ordinal))
                continue;
            foreach (object?[] arguments in Arguments(method.GetParameters()))
            {
                object? target = method.IsStatic || method.IsConstructor ? null : make!();
                Action call = () => Invoke(method, target, arguments);
                if (Thrown(target is null || around is null ? call : () => around(target, call)) is { } thrown
                    && !Documents(IdOf(method), thrown.GetType()))
                    yield return $"{IdOf(method)}: {thrown.GetType().Name} ({thrown.Message})";
            }
        }
    }

    /// <summary>The same for one call, of the member whose documentation's name begins so.</summary>
    public string? Missing(string member, Action call)
    {
        string id = _members.Keys.Single(name => name.StartsWith(member, StringComparison.Ordinal));
        return Thrown(call) is { } thrown && !Documents(id, thrown.GetType()) ? $"{id}: {thrown.GetType().Name} ({thrown.Message})" : null;
    }

    private bool Documents(string id, Type exception)
    {
        if (!_members.TryGetValue(id, out XElement? member))
            return false;
        for (Type? type = exception; type is not null && type != typeof(Exception); type = type.BaseType)
        {
            if (member.Elements("exception").Any(documented => documented.Attribute("cref")!.Value == "T:" + type.FullName))
                return true;
            // Which is an InvalidOperationException that no caller takes for one.
            if (type == typeof(ObjectDisposedException))
                break;
        }
        return member.Elements("inheritdoc").Any(inherited => inherited.Attribute("cref") is { } from && Documents(from.Value, exception));
    }

    private IEnumerable<object?[]> Arguments(ParameterInfo[] parameters)
    {
        object?[][] all = [.. parameters.Select(ValuesOf)];
        yield return [.. all.Select(some => some[0])];
        for (int tried = 0; tried < parameters.Length; tried++)
        {
            foreach (object? value in all[tried].Skip(1))
                yield return [.. all.Select((some, at) => at == tried ? value : some[0])];
        }
    }

    private object?[] ValuesOf(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return values.TryGetValue(type, out object?[]? some) ? some : [type.IsValueType ? Activator.CreateInstance(type) : null];
    }

    private static void Invoke(MethodBase method, object? target, object?[] arguments)
    {
        object? result = method is ConstructorInfo constructor
            ? constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [.. arguments], null)
            : method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, [.. arguments], null);
        // What is enumerated throws when it is.
        if (result is System.Collections.IEnumerable items and not string)
            _ = items.Cast<object>().Any();
        if (result is Task task)
            task.GetAwaiter().GetResult();
        else
            (result as IDisposable)?.Dispose();
    }

    private static Exception? Thrown(Action call)
    {
        try
        {
            call();
            return null;
        }
#pragma warning disable CA1031 // Whatever it is.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }

    private static string IdOf(MethodBase method)
    {
        string type = method.DeclaringType!.FullName!;
        if (method.IsSpecialName && method.Name.StartsWith("get_", StringComparison.Ordinal) && method.GetParameters().Length == 0)
            return $"P:{type}.{method.Name[4..]}";
        string parameters = string.Join(',', method.GetParameters().Select(parameter => NameOf(parameter.ParameterType)));
        return $"M:{type}.{(method.IsConstructor ? "#ctor" : method.Name)}{(parameters.Length > 0 ? $"({parameters})" : string.Empty)}";
    }

    private static string NameOf(Type type)
    {
        if (type.IsByRef)
            return NameOf(type.GetElementType()!) + "@";
        if (!type.IsGenericType)
            return type.FullName!;
        string name = type.GetGenericTypeDefinition().FullName!;
        return $"{name[..name.IndexOf('`')]}{{{string.Join(',', type.GetGenericArguments().Select(NameOf))}}}";
    }
}
